# What somebody should be woken by, as Prometheus alert rules (data only). Each is tried by tests/nixos/alerts.nix: it fires.
#
# Expressions keep to what that test can evaluate without Prometheus: a metric, increase() or changes() of one, or the
# maximum of one by labels, compared with a number.
let
  rule = alert: severity: wait: expr: summary: description: {
    inherit alert expr;
    "for" = wait;
    labels = { inherit severity; };
    annotations = { inherit summary description; };
  };
in
[
  (rule "PolderLatchMoved" "warning" "0s" "changes(polder_latch_epoch[10m]) > 0"
    "{{ $labels.service }} has failed over"
    "The latch of {{ $labels.service }} has moved: a backup serves now, and will until an operator says `polder failback {{ $labels.service }}`. `polder status` has the reason."
  )
  (rule "PolderLatchesDiffer" "critical" "10s" "polder_latch_differs > 0"
    "{{ $labels.instance }} and {{ $labels.peer }} serve different backends"
    "Two proxies do not agree which backend of a stateful service is active: visitors' state may split. See whether they reach each other."
  )
  (rule "PolderLatchUndecided" "critical" "0s" "polder_latch_undecided > 0"
    "{{ $labels.service }} is not served by {{ $labels.instance }}"
    "Its latch was lost and no peer knows it. `polder status` names the command that decides."
  )
  (rule "PolderServiceDown" "critical" "0s" "max by (instance, service) (polder_backend_up) == 0"
    "every backend of {{ $labels.service }} is down"
    "The checks of {{ $labels.instance }} find none of them up."
  )
  (rule "PolderPoolDown" "critical" "0s" "polder_dns_pool_all_down > 0"
    "every member of {{ $labels.pool }} is down"
    "{{ $labels.instance }} answers as its document says for that case. Either the proxies are down, or this nameserver cannot reach them."
  )
  (rule "PolderProxyReloadRefused" "warning" "0s" "increase(polder_reloads_refused_total[15m]) > 0"
    "{{ $labels.instance }} refused to reload"
    "It goes on with the configuration from before. `journalctl -u polder-proxy` has every reason."
  )
  (rule "PolderNameserverReloadRefused" "warning" "0s"
    ''increase(polder_dns_reloads_total{result="failed"}[15m]) > 0''
    "{{ $labels.instance }} refused to reload"
    "It goes on with the configuration from before. `journalctl -u polder-dns` has every reason."
  )
  (rule "PolderProxyStateUnwritten" "critical" "10s" "polder_state_unwritten > 0"
    "{{ $labels.instance }} cannot write its state"
    "A latch or an operator's word is in memory only, and gone with the process. Look at the disk of /var/lib/polder-proxy."
  )
  (rule "PolderNameserverStateUnwritten" "critical" "0s"
    "increase(polder_dns_state_write_failures_total[15m]) > 0"
    "{{ $labels.instance }} cannot write its state"
    "An operator's word is in memory only, and gone with the process. Look at the disk of /var/lib/polder-dns."
  )
  (rule "PolderDaemonDown" "critical" "30s" ''up{job="polder"} == 0''
    "{{ $labels.instance }} does not answer"
    "Nobody reads its metrics: the daemon, the machine or the way to it is down."
  )
]
