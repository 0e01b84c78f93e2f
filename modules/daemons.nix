# The two daemons, by role: what more than the role's own module has to know of them (data only).
{
  proxy = {
    name = "polder-proxy";
    # The document's file name under /etc/polder.
    document = "proxy.json";
    hosts = "proxies";
    # What other hosts of the same role reach, and what the monitoring reads. Neither is for visitors.
    peerPort = 8405;
    adminPort = 8404;
  };
  nameserver = {
    name = "polder-dns";
    document = "dns.json";
    hosts = "nameservers";
    peerPort = 8454;
    adminPort = 8453;
    # Where proxies tell the challenges of a certificate authority.
    challengePort = 8455;
  };
}
