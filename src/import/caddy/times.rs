//! Durations as Caddy writes them (its "Conventions"): `1h30m`, `1.5s`, `2d`. Pure.

use std::time::Duration;

/// A sum of numbers with their units.
pub fn parse(text: &str) -> Option<Duration> {
    let (mut sum, mut rest) = (0_f64, text);
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(|b| b.is_ascii_digit() || *b == b'.').count();
        let unit = rest[digits..].bytes().take_while(|b| b.is_ascii_alphabetic()).count();
        let number: f64 = rest[..digits].parse().ok()?;
        let seconds = match &rest[digits..digits + unit] {
            "ns" => 1e-9,
            "us" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            "d" => 86_400.0,
            _ => return None,
        };
        sum += number * seconds;
        rest = &rest[digits + unit..];
    }
    Duration::try_from_secs_f64(sum).ok()
}
