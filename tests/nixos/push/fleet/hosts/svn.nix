{
  polder.svn.readers.mirror-ch = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIL8CKHuBCYGgxicF47geGQ/fBdSVinKCN5Q247VL+7mK";
}
