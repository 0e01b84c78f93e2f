# The ports of a member of etcd (data only).
{
  client = 2379;
  member = 2380;
  metrics = 2381;
}
