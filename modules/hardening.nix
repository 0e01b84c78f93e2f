# What every unit of polder is denied, in one place, and why. Merged into `serviceConfig`.
#
# A unit adds what it needs (an address family, a directory it writes) beside this; nothing here is loosened per unit but
# through `lib.mkForce`, so that a look at a unit shows what it is allowed more than the others.
{
  # No way to more rights than the process starts with, by a setuid program or otherwise.
  NoNewPrivileges = true;
  RestrictSUIDSGID = true;
  # Ports below 1024 are given by the units that need them; beyond that no capability is.
  CapabilityBoundingSet = [ "" ];
  AmbientCapabilities = [ "" ];

  # The file system is for reading; a unit writes in its own state, runtime and log directories.
  ProtectSystem = "strict";
  ProtectHome = true;
  PrivateTmp = true;
  PrivateDevices = true;
  # Group-readable at most: other users of the machine have no business in our files.
  UMask = "0027";

  # Nothing of the kernel, the clock, the host name or other users' processes.
  ProtectKernelTunables = true;
  ProtectKernelModules = true;
  ProtectKernelLogs = true;
  ProtectControlGroups = true;
  ProtectClock = true;
  ProtectHostname = true;
  ProtectProc = "invisible";
  ProcSubset = "pid";

  # An attacker inside finds no namespaces, no writable code, no odd sockets, no foreign system calls.
  RestrictNamespaces = true;
  RestrictRealtime = true;
  RestrictAddressFamilies = [
    "AF_UNIX"
    "AF_INET"
    "AF_INET6"
  ];
  LockPersonality = true;
  MemoryDenyWriteExecute = true;
  RemoveIPC = true;
  SystemCallArchitectures = "native";
  SystemCallFilter = [
    "@system-service"
    "~@privileged"
  ];
  # A call that is not allowed fails instead of killing: libraries try some to see whether they may.
  SystemCallErrorNumber = "EPERM";
}
