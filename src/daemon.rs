//! What both daemons do to live on a machine: sockets, takeover, FD store, notify, signals, admin API, peers, state
//! files, metrics, logs.
//!
//! Owns every file descriptor that outlives a process and every file in the state directory. Must never: know what a
//! service or a zone is. Called by `proxy::run` and `dns::run`; the operator's verbs use [`api::client`](crate::api::client).
//!
//! # A daemon's life, in the order of its calls
//!
//! There is no framework: each daemon has its own control loop and calls these pieces.
//!
//! ```ignore
//! pub fn run(args: DaemonArgs) -> ExitCode {
//!     logs::init();
//!     // Before any other file is opened: descriptors passed in are numbers until somebody owns them.
//!     let passed = fd_store::receive();
//!     startup::raise_open_files();
//!     // … read the document; findings: print, exit 1 …
//!     // … a current-thread runtime and a LocalSet; all below runs inside it …
//!
//!     // --takeover: sockets and state of the running daemon; else what the FD store kept; else nothing.
//!     let Inheritance { mut sockets, takeover } =
//!         startup::inherit(&args, passed, "polder-proxy", &document.admin.socket).await?;
//!     let state = takeover.as_ref().map(|takeover| &takeover.state); // else: the state files
//!
//!     // Start and reload alike: ask for every socket of the document, then settle.
//!     let http = sockets.tcp(document.listeners[0].address, workers)?;
//!     let admin = sockets.unix(&document.admin.socket)?;
//!     let metrics = sockets.tcp(document.admin.address, 1)?;
//!     sockets.settle(); // closes what nobody asked for; a failed reload calls `revert` instead
//!
//!     // … build; run the checks that are missing …
//!
//!     // From `ready` on this process is the daemon; an error means the old one stays it: exit 3.
//!     if let Some(takeover) = takeover {
//!         let state = takeover.ready().await?.into_state();
//!         // … merge what changed since the offer …
//!     }
//!     // … workers accept …
//!     let mut admin_server = admin::serve_unix(admin, handler.clone())?;
//!     fd_store::keep(&sockets.as_fds());
//!     notify::ready("serving 3 services on 2 listeners");
//!     spawn_local(ticks.clone().feed());
//!     let mut signals = Signals::install()?;
//!
//!     // The control loop. Three of its events:
//!     //
//!     // POST /reload or SIGHUP:
//!     //     match reload::choose(args.successor.as_deref()) {
//!     //         Reload::InPlace => { notify::reloading(); … ask sockets, build, swap; notify::ready(…) }
//!     //         // `taken`: sent to when `finish` below has returned Ok. The loop must go on meanwhile: spawn it.
//!     //         Reload::Successor(path) => reload::hand_over(&path, &args, taken).await,
//!     //     }
//!     // AdminHandler::takeover(stream), handed to the loop:
//!     //     a second one while one runs: takeover::refuse(stream, "…").await
//!     //     else, spawned: takeover::offer(stream, "polder-proxy", Handover { sockets: sockets.handover()?, state }).await
//!     //     when it returns Ok(offered): workers stop accepting but keep their sockets, then
//!     //         match offered.finish(final_state).await {
//!     //             Ok(()) => { drop(sockets); admin_server.stop(limit).await; … drain, exit 0, without notify::stopping }
//!     //             Err(_) => … the new process is gone: accept again …
//!     //         }
//!     // SIGTERM: notify::stopping("…"); drop(sockets); drain; admin_server.stop(limit).await; exit 0
//! }
//! ```

pub mod admin;
pub mod args;
pub mod bounds;
pub mod client_network;
pub mod eligibility;
pub mod fd_store;
pub mod key_file;
pub mod launch;
pub mod logs;
pub mod metrics;
pub mod notify;
pub mod operator;
pub(crate) mod passed_fds;
pub mod peers;
pub mod reload;
pub mod signals;
pub mod sockets;
pub mod startup;
pub mod state_file;
pub mod takeover;
pub mod ticks;

/// The version spoken at takeovers and shown in `status`.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
