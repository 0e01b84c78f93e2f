{
  polder.backend.local.www.port = 8080;
}
