//! Members of a pool that are probed and do as they are told: each test program that needs them includes this file.

#![allow(dead_code, reason = "each program uses what it needs")]

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Members on 127.0.0.1, 127.0.0.2, …, at one port: each answers 200 or 503, as it is told.
pub struct Members {
    pub port: u16,
    well: Vec<Arc<AtomicBool>>,
    failed: Arc<AtomicBool>,
    probes: Arc<AtomicU64>,
}

impl Members {
    pub fn start(count: u8) -> Members {
        let address = |n: u8, port: u16| SocketAddr::new(Ipv4Addr::new(127, 0, 0, n + 1).into(), port);
        let on_one_port = || {
            let first = TcpListener::bind(address(0, 0)).ok()?;
            let port = first.local_addr().ok()?.port();
            let others = (1..count).map(|n| TcpListener::bind(address(n, port)).ok());
            std::iter::once(Some(first)).chain(others).collect::<Option<Vec<_>>>()
        };
        let listeners = (0..1000).find_map(|_| on_one_port()).expect("a port that is free at all of the addresses");
        let port = listeners[0].local_addr().unwrap().port();
        let probes = Arc::<AtomicU64>::default();
        let failed = Arc::<AtomicBool>::default();
        let well = listeners.iter().map(|_| Arc::new(AtomicBool::new(true))).collect();
        let members = Members { port, well, failed, probes };
        listeners.into_iter().enumerate().for_each(|(member, listener)| members.serve(member, listener));
        members
    }

    /// The first one is at ::1 too; nothing if somebody else has the port there. Where there is no IPv6 nobody looks.
    pub fn also_at_ipv6(self) -> Option<Members> {
        match TcpListener::bind((Ipv6Addr::LOCALHOST, self.port)) {
            Ok(listener) => self.serve(0, listener),
            Err(error) if error.kind() == ErrorKind::AddrInUse => return None,
            Err(_) => {}
        }
        Some(self)
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.well.len()
    }

    /// How many probes have come.
    pub fn probes(&self) -> u64 {
        self.probes.load(Ordering::Relaxed)
    }

    fn serve(&self, member: usize, listener: TcpListener) {
        let (probes, failed, told) =
            (Arc::clone(&self.probes), Arc::clone(&self.failed), Arc::clone(&self.well[member]));
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                probes.fetch_add(1, Ordering::Relaxed);
                let is_well = told.load(Ordering::Relaxed) && !failed.load(Ordering::Relaxed);
                let status = if is_well { "200 OK" } else { "503 No" };
                let _ = stream.read(&mut [0; 1024]);
                let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
                let _ = stream.write_all(answer.as_bytes());
            }
        });
    }

    /// All of them fail, or recover, in one moment.
    pub fn fail(&self, failed: bool) {
        self.failed.store(failed, Ordering::Relaxed);
    }

    pub fn set(&self, member: usize, well: bool) {
        self.well[member].store(well, Ordering::Relaxed);
    }
}
