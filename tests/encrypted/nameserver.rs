//! polder-dns in a folder of its own, with a certificate of its own authority.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::ports::free_address;
use polder::api::client::Client;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::json;
use tempfile::TempDir;

/// The name that its certificate is for.
pub const NAME: &str = "ns.example.net";

/// No event is waited for longer.
const LIMIT: Duration = Duration::from_secs(60);

const ZONE: &str = "$ORIGIN example.net.\n$TTL 300\n@ SOA ns hostmaster 1 7200 3600 1209600 60\n@ NS ns\nns A 192.0.2.1\n\
                    www A 192.0.2.80\nwww 60 AAAA 2001:db8::80\nself A 127.0.0.9\n";

pub struct Nameserver {
    process: Child,
    folder: TempDir,
    pub tls: u16,
    pub https: u16,
}

impl Nameserver {
    pub fn start() -> Nameserver {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        let [plain, tls, https] = [(); 3].map(|()| free_address().port());
        let document = json!({
            "version": 1,
            "name": "ns-test",
            "listeners": [format!("127.0.0.1:{plain}")],
            "admin": { "socket": at.join("admin.sock") },
            "state_dir": at.join("state"),
            "workers": 1,
            "encrypted": {
                "tls": [format!("127.0.0.1:{tls}")],
                "https": [format!("127.0.0.1:{https}")],
                "certificates": [{ "chain_file": "chain.pem", "key_file": "key.pem" }],
            },
            "zones": { "example.net": { "file": "zone", "transfer": { "allow": [{ "networks": ["127.0.0.1"] }] } } },
        });
        fs::create_dir(at.join("state")).unwrap();
        let many: String = (0..200).map(|n| format!("many TXT \"text {n} {}\"\n", "x".repeat(50))).collect();
        fs::write(at.join("zone"), format!("{ZONE}{many}")).unwrap();
        fs::write(at.join("dns.json"), document.to_string()).unwrap();
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![NAME.to_owned(), "127.0.0.1".to_owned()]).unwrap();
        fs::write(at.join("ca.pem"), authority.pem()).unwrap();
        fs::write(at.join("chain.pem"), params.signed_by(&key, &authority).unwrap().pem()).unwrap();
        fs::write(at.join("key.pem"), key.serialize_pem()).unwrap();
        let log = fs::File::create(at.join("log")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_polder-dns"));
        command.arg("--config").arg(at.join("dns.json")).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let nameserver = Nameserver { process: command.spawn().unwrap(), folder, tls, https };
        nameserver.wait_metric("polder_ready{daemon=\"nameserver\"} ", 1);
        nameserver
    }

    pub fn ca_file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Waits until the metric that begins so has this value.
    pub fn wait_metric(&self, begins: &str, value: u64) {
        let end = Instant::now() + LIMIT;
        let client = Client { timeout: LIMIT, ..Client::new(&self.folder.path().join("admin.sock")) };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let expected = format!("{begins}{value}");
        loop {
            let metrics = runtime.block_on(client.get_text("/metrics")).unwrap_or_default();
            if metrics.lines().any(|line| line == expected) {
                return;
            }
            assert!(Instant::now() < end, "there is no {expected:?}:\n{metrics}\n{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Nameserver {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
