# What somebody should be woken by, as Prometheus alert rules (data only). Each is tried by tests/nixos/alerts.nix: it fires.
#
# Expressions keep to what that test can evaluate without Prometheus: a metric, increase() or changes() of one, or the
# maximum of one by labels, compared with a number; a time that is to come, compared with a part of another metric.
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
  (rule "PolderLatchesDiffer" "critical" "10s" "polder_latches_differing > 0"
    "{{ $labels.instance }} and {{ $labels.peer }} serve different backends"
    "Two proxies do not agree which backend of a stateful service is active: visitors' state may split. See whether they reach each other."
  )
  (rule "PolderLatchUndecided" "critical" "0s" "polder_latch_undecided > 0"
    "{{ $labels.service }} is not served by {{ $labels.instance }}"
    "Which backend is active is not known: the latch is missing, damaged or lost there, and no peer that knows it has been heard. The proxy is not ready. `polder status` names the command that decides."
  )
  (rule "PolderServiceDown" "critical" "0s"
    ''max by (instance, service) (polder_check_up{daemon="proxy"}) == 0''
    "every backend of {{ $labels.service }} is down"
    "The checks of {{ $labels.instance }} find none of them up."
  )
  (rule "PolderPoolDown" "critical" "0s" "polder_pool_all_down > 0"
    "every member of {{ $labels.pool }} is down"
    "{{ $labels.instance }} answers as its document says for that case. Either the proxies are down, or this nameserver cannot reach them."
  )
  (rule "PolderReloadFailed" "warning" "0s"
    ''increase(polder_reloads_total{result="failed"}[15m]) > 0''
    "the {{ $labels.daemon }} on {{ $labels.instance }} failed to reload"
    "It still runs with the configuration from before. `journalctl -u 'polder-*'` on that host has every reason."
  )
  (rule "PolderZoneNotFromFile" "critical" "0s" ''polder_zone_source{source="file"} == 0''
    "{{ $labels.instance }} cannot use the file of zone {{ $labels.zone }}"
    "Since its start this nameserver answers the zone from its last good copy, or with SERVFAIL if there is none. `polder status` says which, and what is wrong with the file; mend it and reload."
  )
  (rule "PolderStateUnwritten" "critical" "10s" "polder_state_unwritten > 0"
    "the {{ $labels.daemon }} on {{ $labels.instance }} cannot write its state"
    "A latch or an operator state is in memory only, and lost when the process ends. Look at the disk of /var/lib/polder-proxy or /var/lib/polder-dns."
  )
  # Renewal is due when a third of the life is left, or earlier. Some certificates live six days.
  (rule "PolderCertificateNotRenewed" "warning" "10m"
    "polder_certificate_expiry_timestamp_seconds - time() < clamp_max(polder_certificate_lifetime_seconds / 5, 1209600)"
    "a certificate on {{ $labels.instance }} should have been renewed"
    "{{ $labels.file }} ends within 14 days, or within a fifth of its life where that is less. Whatever renews it has failed, or its files are not read: `polder status` says which hosts it is for."
  )
  (rule "PolderCertificateEnding" "critical" "10m"
    "polder_certificate_expiry_timestamp_seconds - time() < clamp_max(polder_certificate_lifetime_seconds / 10, 259200)"
    "a certificate on {{ $labels.instance }} is about to end"
    "{{ $labels.file }} ends within 3 days, or within a tenth of its life where that is less: then visitors are warned off. Put a renewed one into its files; no reload is needed."
  )
  # The proxies try again by themselves: what lasts for half an hour does not pass by itself.
  (rule "PolderCertificateNotOrdered" "warning" "30m" "polder_acme_failing > 0"
    "the certificate of {{ $labels.service }} cannot be ordered"
    "Every order of the last half hour has failed, as {{ $labels.instance }} knows it. What is there is served to its end; a service that has none yet is not served over https. `polder status` has the reason, and docs/certificates.md says what to do about each."
  )
  (rule "PolderDaemonDown" "critical" "30s" ''up{job="polder"} == 0''
    "{{ $labels.instance }} does not answer"
    "Nobody reads its metrics: the daemon, the machine or the way to it is down."
  )
]
