use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::*;

#[test]
fn a_tag_is_that_of_the_example_of_its_standard() {
    // RFC 4034, 5.4.
    let public = "AQOeiiR0GOMYkDshWoSKz9XzfwJr1AYtsmx3TGkJaNXVbfi/2pHm822aJ5iI9BMzNXxeYCmZDRD99WYwYqUSdjMmmAphXdvxegXd/M5+X7OrzKBaMbCVdFLUUh6DhweJBjEVv5f2wwjM9XzcnOf+EPbtG9DMBmADjFDc2w/rljwvFw==";
    let rdata = [&[1, 0, 3, 5], &STANDARD.decode(public).unwrap()[..]].concat();
    assert_eq!(tag(&rdata), 60485);
}

#[test]
fn a_tag_is_the_sum_that_the_standard_spells_out() {
    // The program of RFC 4034, appendix B, in its own steps.
    let literal = |rdata: &[u8]| {
        let mut sum: u32 = 0;
        for (at, byte) in rdata.iter().enumerate() {
            sum += if at % 2 == 1 { u32::from(*byte) } else { u32::from(*byte) << 8 };
        }
        sum += sum >> 16 & 0xffff;
        (sum & 0xffff) as u16
    };
    let mut random = fastrand::Rng::with_seed(4034);
    for length in (0..600).chain([65_535]) {
        let rdata: Vec<u8> = (0..length).map(|_| random.u8(..)).collect();
        assert_eq!(tag(&rdata), literal(&rdata), "{rdata:?}");
    }
    assert_eq!(tag(&[0xff; 65_535]), literal(&[0xff; 65_535]));
}

#[test]
fn flags_of_keys_that_are_revoked_or_of_no_zone_have_no_role() {
    let roles: Vec<(u16, Role)> = (0..=u16::MAX).filter_map(|flags| Some((flags, Role::from_flags(flags)?))).collect();
    assert_eq!(roles, [(256, Role::Zsk), (257, Role::Ksk)]);
    assert!(roles.iter().all(|(flags, role)| role.flags() == *flags));
}
