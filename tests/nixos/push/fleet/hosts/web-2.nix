{
  polder.backend.local.www.port = 8080;
  polder.backend.local.shop.port = 8081;
}
