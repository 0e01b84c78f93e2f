# What every unit of polder is denied, and why. Merged into `serviceConfig`.
#
# A unit adds what it needs (a capability, a directory to write to) with `//` after this, so that the unit shows what it is allowed beyond
# the others.
{
  # The process cannot gain privileges, by a setuid program or otherwise.
  NoNewPrivileges = true;
  RestrictSUIDSGID = true;
  # No capabilities. Units that need ports below 1024 add that one.
  CapabilityBoundingSet = [ "" ];
  AmbientCapabilities = [ "" ];

  # The file system is read-only, except for the unit's own state, runtime and log directories.
  ProtectSystem = "strict";
  ProtectHome = true;
  PrivateTmp = true;
  PrivateDevices = true;
  # Files are readable by the group at most, never by other users of the machine.
  UMask = "0027";

  # No access to the kernel, the clock, the host name or other users' processes.
  ProtectKernelTunables = true;
  ProtectKernelModules = true;
  ProtectKernelLogs = true;
  ProtectControlGroups = true;
  ProtectClock = true;
  ProtectHostname = true;
  ProtectProc = "invisible";
  ProcSubset = "pid";

  # An attacker in the process finds no namespaces, no writable code, no unusual sockets, no foreign system calls.
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
  # A system call that is not allowed fails and does not kill: libraries try some to find out whether they may.
  SystemCallErrorNumber = "EPERM";
}
