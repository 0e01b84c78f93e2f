//! The metrics of the nameserver alone.

use crate::daemon::metrics::family::families;

families! {
    /// Those of the nameserver.
    FAMILIES:
    CHECK_UP = Gauge "polder_check_up" ["pool", "member", "address"] "1 if checks say up, 0 if down; absent before the first result.";
    CHECK_CHANGES = Counter "polder_check_changes_total" ["pool", "member", "address"] "Changes between up and down.";
    OPERATOR_STATE = Gauge "polder_operator_state" ["pool", "member", "state" "`ready`, `drain`, `maint`"] "1 for the state that the operator has set.";
    CONNECTIONS_ACCEPTED = Counter "polder_connections_accepted_total" ["transport" "`tcp`, `tls`, `https`, `quic`"] "Connections accepted.";
    CONNECTIONS_REFUSED = Counter "polder_connections_refused_total" ["transport" "`tcp`, `tls`, `https`, `quic`"] "Connections refused at a limit.";
    HANDSHAKES_FAILED = Counter "polder_handshakes_failed_total" ["transport" "`tls`, `https`, `quic`"] "Connections over encrypted transports that ended before their handshake was over.";
    TRANSFERS = Counter "polder_transfers_total" [] "Zones that other nameservers have got (AXFR, IXFR).";
    TRANSFERS_OF_DIFFERENCES = Counter "polder_transfers_of_differences_total" [] "Those of `polder_transfers_total` that brought what had changed since the serial that the other nameserver had (IXFR), and not the whole zone.";
    TRANSFERS_BROKEN = Counter "polder_transfers_broken_total" [] "Transfers that ended before the zone was whole there.";
    RESPONSES = Counter "polder_responses_total" ["transport" "`udp`, `tcp`, `tls`, `https`, `quic`", "rcode"] "Responses.";
    ZONE_RESPONSES = Counter "polder_zone_responses_total" ["zone", "transport" "`udp`, `tcp`, `tls`, `https`, `quic`", "rcode" "`NOERROR`, `NXDOMAIN`, `SERVFAIL`, `other`"] "Those of `polder_responses_total` about names of this zone. The first 1000 zones that the process has had are counted each by itself, later ones together under an empty name; `none`: names that are in no zone here, and what is refused before its name is looked at (a transfer that nobody may have, NOTIFY, a query that cannot be read). A zone that leaves and comes back begins anew.";
    ZONE_QUERIES_BY_COOKIE = Counter "polder_zone_queries_by_cookie_total" ["zone" "as of `polder_zone_responses_total`", "cookie" "`absent`, `asked`, `bad`, `good`"] "Those of `polder_queries_by_cookie_total` for names of this zone.";
    ZONE_RESPONSES_RATE_LIMITED = Counter "polder_zone_responses_rate_limited_total" ["zone" "as of `polder_zone_responses_total`", "class" "`answer`, `nodata`, `nxdomain`, `referral`, `error`", "action" "`dropped`, `slipped`, `log_only`"] "Those of `polder_responses_rate_limited_total` about names of this zone; absent where there were none.";
    ZONES_COUNTED_TOGETHER = Gauge "polder_zones_counted_together" [] "Zones beyond the first 1000 that the process has had, which are counted together under an empty name.";
    RESPONSES_TRUNCATED = Counter "polder_responses_truncated_total" [] "Responses truncated (TC) to fit a datagram.";
    RESPONSES_UNSENT = Counter "polder_responses_unsent_total" [] "Responses that the kernel did not accept.";
    RESPONSES_RATE_LIMITED = Counter "polder_responses_rate_limited_total" ["class", "action" "`dropped`, `slipped`, `log_only`"] "Responses beyond the [rate limit](documents.md).";
    QUERIES_IGNORED = Counter "polder_queries_ignored_total" [] "Messages that get no response: responses and runts.";
    QUERIES_BY_COOKIE = Counter "polder_queries_by_cookie_total" ["cookie"] "Queries that got a response, by what their DNS cookie shows.";
    DNSTAP_ON = Gauge "polder_dnstap_on" [] "1 if queries and responses go to the receiver of [dnstap](logs.md#dnstap). Absent, as those that follow, where the document has no `dnstap`.";
    DNSTAP_CONNECTED = Gauge "polder_dnstap_connected" [] "1 if that receiver is there.";
    DNSTAP_MESSAGES = Counter "polder_dnstap_messages_total" ["result" "`sent`, `dropped`"] "Messages that it has taken, and messages for which there was no room, that may have been lost with a connection, or were left when it was switched off.";
    ZONE_SERIAL = Gauge "polder_zone_serial" ["zone"] "Serial of the zone's SOA record.";
    ZONE_SOURCE = Gauge "polder_zone_source" ["zone", "source" "`file`, `primary`, `catalog`, `copy`, `servfail`"] "1 for how the zone is answered: from its `file`, as a `primary` has sent it, as a `catalog` that is made here, from its last good `copy`, or with `servfail` (see [zones](zones.md#a-zone-that-cannot-be-read)).";
    ZONE_EXPIRES = Gauge "polder_zone_expires_seconds" ["zone"] "Of a zone from other nameservers, how long it is served still if none of them confirms it; 0 if it is not served.";
    ZONE_SIGNATURES_LEFT = Gauge "polder_zone_signatures_left_seconds" ["zone"] "Of a zone that is signed here or comes signed, how long its first signature is good still; one that is made here is renewed when a third of its life is left (see [DNSSEC](dnssec.md)).";
    ZONE_SIGNATURES_LIFETIME = Gauge "polder_zone_signatures_lifetime_seconds" ["zone"] "For how long that signature is good in all: of a zone that is signed here `dnssec.lifetime`, of one that comes signed what the signature itself says.";
    ZONE_SIGNATURES_REFRESH = Gauge "polder_zone_signatures_refresh_seconds" ["zone"] "How much of that is left when it should have been renewed: a third where it is signed here (two hours less, as signing is spread) or comes in a file, a tenth where it comes from primaries, which renew at times of their own.";
    ZONE_BOGUS = Gauge "polder_zone_bogus" ["zone"] "Of a zone that comes signed, 1 if resolvers that validate refuse it whenever they ask, and it is served all the same: as its primaries have sent it, or as its file is where there was no good copy at a start (see [DNSSEC](dnssec.md#zones-that-come-signed)).";
    ZONE_KEYS_MADE_UNTIL = Gauge "polder_zone_keys_made_until_timestamp_seconds" ["zone"] "Of a zone whose zone-signing keys were made ahead, when the last of them would be replaced if there were another one; it goes on then (see [DNSSEC](dnssec.md)).";
    ZONE_KEYS_MADE_FOR = Gauge "polder_zone_keys_made_for_seconds" ["zone"] "For how long such keys were made ahead: from the day on which the last one was made to that time. 30 days before it, or when a sixth of this is left where that is less, somebody should make more of them.";
    SIGNATURES_AHEAD = Gauge "polder_pool_signatures_ahead" [] "Sets of pools in signed zones that are signed before they are answered (see [DNSSEC](dnssec.md#pools)).";
    SIGNATURES_LATE = Counter "polder_pool_signatures_late_total" [] "Sets of pools that were signed only when they were to be answered, so that the answer waited for it: for answers that were none of the likely ones at a start or a reload, that came before signing ahead had finished, or that were further away than it looks.";
    CATALOG_ZONES = Gauge "polder_catalog_zones" ["catalog"] "Zones that a catalog lists: one that is made here, or one of other nameservers as it was when it was sound last (see [catalogs](zones.md#catalogs)).";
    ACME_CHALLENGES = Gauge "polder_acme_challenges" ["proxy"] "Values of a certificate authority's challenges that this proxy has told and that are answered.";
    POOL_MEMBERS_USABLE = Gauge "polder_pool_members_usable" ["pool"] "Members that are up and ready.";
    POOL_ADDRESSES = Gauge "polder_pool_addresses" ["pool"] "Addresses that the pool is answered with.";
    POOL_ALL_DOWN = Gauge "polder_pool_all_down" ["pool"] "1 if no member is up and ready, so that `when_all_down` decides the answer.";
    POOL_DECIDED_BY = Gauge "polder_pool_decided_by" ["pool", "family" "`a`, `aaaa`", "reason" "`checks`, `peers`, `kept`, `follows_a`, `all_down`"] "1 for what decides which addresses are answered: this nameserver's own checks, those of its peers while it finds no member up, the answer from before while no peer is heard either, of AAAA the A of the same members where it has no IPv6 of its own, or `when_all_down`.";
    POOL_ISOLATED = Gauge "polder_pool_isolated" ["pool"] "1 while this nameserver alone finds every member down, and peers do not.";
    STATE_WRITE_FAILURES = Counter "polder_state_write_failures_total" [] "Writes to the state directory that failed.";
}
