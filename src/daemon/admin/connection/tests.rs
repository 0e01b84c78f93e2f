use super::*;

fn vetted(method: hyper::Method, path: &str, origin: Origin) -> Result<Vetted, u16> {
    vet(&method, path, origin, 77).map_err(|refusal| refusal.status)
}

#[test]
fn tcp_is_for_reading_the_status_the_metrics_and_the_page() {
    for path in PUBLIC {
        assert_eq!(vetted(hyper::Method::GET, path, Origin::Tcp), Ok(Vetted::Call(Method::Get)));
        assert_eq!(vetted(hyper::Method::HEAD, path, Origin::Tcp), Ok(Vetted::Call(Method::Get)));
        assert_eq!(vetted(hyper::Method::POST, path, Origin::Tcp), Err(403));
    }
    assert_eq!(vetted(hyper::Method::GET, "/explain", Origin::Tcp), Err(403));
    assert_eq!(vetted(hyper::Method::POST, "/takeover", Origin::Tcp), Err(403));
}

#[test]
fn the_unix_socket_takes_every_path_and_two_methods() {
    let operator = Origin::Unix { uid: 1000 };
    assert_eq!(vetted(hyper::Method::HEAD, "/x", operator), Ok(Vetted::Call(Method::Get)));
    assert_eq!(vetted(hyper::Method::POST, "/x", operator), Ok(Vetted::Call(Method::Post)));
    assert_eq!(vetted(hyper::Method::DELETE, "/x", operator), Err(405));
}

#[test]
fn only_our_own_user_takes_over_and_root_does_not() {
    assert_eq!(vetted(hyper::Method::POST, "/takeover", Origin::Unix { uid: 0 }), Err(403));
    assert_eq!(vetted(hyper::Method::POST, "/takeover", Origin::Unix { uid: 77 }), Ok(Vetted::Takeover));
    assert_eq!(vetted(hyper::Method::POST, "/takeover", Origin::Unix { uid: 1000 }), Err(403));
}
