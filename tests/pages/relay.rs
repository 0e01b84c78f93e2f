//! Stands between the browser and a daemon, and can cut all of their connections.

use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// It.
pub struct Relay {
    port: u16,
    /// Every connection so far, the browser's side of it.
    streams: Arc<Mutex<Vec<TcpStream>>>,
}

impl Relay {
    /// To the daemon of this page.
    pub fn to(url: &str) -> Relay {
        let daemon = url.trim_start_matches("http://").trim_end_matches('/').to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let streams = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&streams);
        std::thread::spawn(move || {
            for browser in listener.incoming().flatten() {
                let Ok(daemon) = TcpStream::connect(&daemon) else { continue };
                kept.lock().unwrap().push(browser.try_clone().unwrap());
                let [(from, to), (back, forth)] =
                    [(browser.try_clone().unwrap(), daemon.try_clone().unwrap()), (daemon, browser)];
                std::thread::spawn(move || copy(from, to));
                std::thread::spawn(move || copy(back, forth));
            }
        });
        Relay { port, streams }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }

    /// How many there have been.
    pub fn connections(&self) -> usize {
        self.streams.lock().unwrap().len()
    }

    /// Ends all of them.
    pub fn cut(&self) {
        self.streams.lock().unwrap().iter().for_each(|stream| drop(stream.shutdown(Shutdown::Both)));
    }
}

/// When one side has ended, the other one is ended too.
fn copy(mut from: TcpStream, mut to: TcpStream) {
    let _ = std::io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}
