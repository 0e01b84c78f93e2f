# Who may commit: on the svn machine, and on its mirror once that is promoted.
{
  polder.svn.users.alice.keys = [
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA alice"
  ];
}
