use super::*;

#[test]
fn numbers_of_rsa_read_back_as_they_were_written() {
    let modulus = [0xc1; 128];
    for exponent in [&[3][..], &[1, 0, 1], &[0x81; 255], &[0x81; 256]] {
        let key = RsaPublic::new(exponent, &modulus);
        let written = key.write();
        assert_eq!(RsaPublic::read(&written), Some(key));
        // One byte for the length, or three (RFC 3110, 2).
        let prefix = if exponent.len() > 255 { 3 } else { 1 };
        assert_eq!(written.len(), prefix + exponent.len() + modulus.len());
    }
}

#[test]
fn zeros_before_a_number_count_for_nothing() {
    let key = RsaPublic::new(&[0, 1, 0, 1], &[0, 0, 0x40, 1]);
    assert_eq!(key, RsaPublic { exponent: &[1, 0, 1], modulus: &[0x40, 1] });
    assert_eq!(key.bits(), 15);
    assert_eq!(RsaPublic::new(&[1], &[]).bits(), 0);
}

#[test]
fn a_key_of_rsa_that_is_cut_off_is_none() {
    for public in [&[][..], &[3], &[3, 1, 0], &[3, 1, 0, 1], &[0, 0], &[0, 0, 0], &[0, 1, 0, 7], &[1, 0, 7], &[1, 7, 0]]
    {
        assert_eq!(RsaPublic::read(public), None, "{public:?}");
    }
}
