{
  polder.backend.local.shop.port = 8081;
}
