{
  users.users.alice.isNormalUser = true;
  polder.svnMirror.enable = true;
}
