//! What a scene does to a fleet, and what it sees of it.

use super::*;

impl Fleet {
    /// A visitor asks a proxy, and is answered by a backend for so long; none: he is not.
    pub fn visit(&mut self, own: usize, lasts: Duration) -> Option<usize> {
        let backend = self.serves(own)?;
        self.proxies[own].running.push((backend, self.now + lasts));
        self.count_running(own);
        Some(backend)
    }

    /// The backend to which a request would be sent now.
    pub fn serves(&self, own: usize) -> Option<usize> {
        let proxy = &self.proxies[own];
        if proxy.is_paused {
            return None;
        }
        let service = proxy.workers.service(SERVICE).unwrap();
        let ServiceMode::Latched { latch: LatchView::Active(active), .. } = service.mode else { return None };
        service.fence.holds(self.own_time(own).running).then_some(active)
    }

    /// The backends that answer visitors at this instant, by proxies that run.
    pub fn answering(&self) -> Vec<(usize, usize)> {
        let serving = (0..self.proxies.len()).filter_map(|own| Some((own, self.serves(own)?)));
        let running = (0..self.proxies.len()).flat_map(|own| {
            let proxy = &self.proxies[own];
            let service = proxy.workers.service(SERVICE).unwrap();
            // One that wakes up finds its lease run out, and cuts what ran before it looks at anything else.
            let is_fit = !proxy.is_paused && service.fence.holds(self.own_time(own).running);
            let runs = proxy.running.iter().filter(move |(_, until)| is_fit && *until > self.now);
            runs.map(move |(backend, _)| (own, *backend))
        });
        serving.chain(running).collect()
    }

    pub fn assert_one_backend_answers(&self) {
        let answering = self.answering();
        let first = answering.first().map(|(_, backend)| *backend);
        assert!(
            answering.iter().all(|(_, backend)| Some(*backend) == first),
            "two backends answer at {:?}: {:?}\n{}",
            self.now,
            answering,
            self.in_words()
        );
    }

    pub fn in_words(&self) -> String {
        let words = self.proxies.iter().enumerate().map(|(own, proxy)| {
            let latch = proxy.machine.state.latches.get(SERVICE).unwrap().latch();
            let (paused, cut) = (proxy.is_paused, proxy.is_cut_off);
            format!(
                "{}: epoch {:?} {:?}, view {:?}, paused {paused}, cut off {cut}, reaches {:?}, alarms {:?}, {:?}",
                name(own),
                latch.map(|latch| latch.epoch),
                latch.map(|latch| latch.active.clone()),
                proxy.machine.view(),
                proxy.reaches,
                proxy.machine.alarms(),
                proxy.machine.state.agreement
            )
        });
        let kept = self.store.kept.iter().map(|(key, (value, written, _))| format!("{key} @{written}: {value}"));
        words.chain(kept).collect::<Vec<_>>().join("\n")
    }

    /// Another document is in force in each proxy, and what talks to the store begins anew.
    pub fn reload(&mut self, documents: &[Arc<Prepared>]) {
        for (own, document) in documents.iter().enumerate() {
            self.reload_one(own, document.clone());
        }
    }

    pub fn reload_one(&mut self, own: usize, document: Arc<Prepared>) {
        let known = &mut self.proxies[own];
        known.session += 1;
        (known.is_connected, known.lease) = (false, None);
        self.take(own, Event::Reloaded(document));
        self.after(Duration::from_millis(20), Happening::Connect(own));
    }

    /// The proxy's process stands still.
    pub fn pause(&mut self, own: usize) {
        self.proxies[own].is_paused = true;
    }

    /// It goes on, and finds everything that has come meanwhile.
    pub fn resume(&mut self, own: usize) {
        self.proxies[own].is_paused = false;
        self.proxies[own].wakes = None;
        self.assert_one_backend_answers();
        for what in std::mem::take(&mut self.proxies[own].inbox) {
            self.happen(what);
        }
    }

    /// These proxies' checks reach a backend from now on, or no more; they find out within the detection time.
    pub fn reach(&mut self, proxies: &[usize], backend: usize, reaches: bool) {
        for own in proxies {
            self.proxies[*own].reaches[backend] = reaches;
            let delay = Duration::from_millis(self.random.u64(1..DETECTION.as_millis() as u64));
            self.after(delay, Happening::Check(*own, backend));
        }
    }

    pub fn failover(&mut self, own: usize, to: usize, without_agreement: bool) -> Result<Change, CommandError> {
        let command = FailoverCommand { without_agreement, ..failover_command(SERVICE, Some(BACKENDS[to])) };
        self.proxies[own].machine.now = self.own_time(own);
        let machine = &mut self.proxies[own].machine;
        let Accepted { effects, change, .. } = machine.state.failover(&command, machine.now)?;
        machine.carry_out(effects);
        self.carry_out(own);
        Ok(change)
    }

    pub fn failback(&mut self, own: usize) -> Result<Change, CommandError> {
        let command =
            FailbackCommand { service: SERVICE.into(), who: "alice".into(), why: String::new(), dry_run: false };
        self.proxies[own].machine.now = self.own_time(own);
        let machine = &mut self.proxies[own].machine;
        let Accepted { effects, change, .. } = machine.state.failback(&command, machine.now)?;
        machine.carry_out(effects);
        self.carry_out(own);
        Ok(change)
    }

    pub fn persistence(&self, own: usize, change: &Change) -> Persistence {
        self.proxies[own].machine.state.persistence(change, self.own_time(own))
    }

    /// Of each proxy the number of its process, and the epoch that is in force there.
    pub fn epochs(&self) -> Vec<(u64, u64)> {
        let latch = |proxy: &Proxy| proxy.machine.state.latches.get(SERVICE).unwrap().latch().map(|latch| latch.epoch);
        self.proxies.iter().map(|proxy| (proxy.life, latch(proxy).unwrap_or_default())).collect()
    }

    pub fn all_serve(&self) -> Option<usize> {
        let first = self.serves(0)?;
        (0..self.proxies.len()).all(|own| self.serves(own) == Some(first)).then_some(first)
    }

    /// The store is made anew, and is empty. Whoever is cut off from it does not notice.
    pub fn forget(&mut self) {
        let cut_off: Vec<usize> = (0..self.proxies.len()).filter(|own| self.proxies[*own].is_cut_off).collect();
        let before: Vec<(usize, Option<i64>, bool)> =
            cut_off.iter().map(|own| (*own, self.proxies[*own].lease, self.proxies[*own].is_connected)).collect();
        for own in &cut_off {
            self.proxies[*own].is_connected = false;
        }
        self.restore(Store::default());
        for (own, lease, is_connected) in before {
            (self.proxies[own].lease, self.proxies[own].is_connected) = (lease, is_connected);
        }
    }

    /// Somebody else writes what the store has of the service's latch; none: he takes it away.
    pub fn overwrite(&mut self, value: Option<&str>) {
        self.store.overwrite(&crate::proxy::agreement::Key::Latch(SERVICE.into()), value);
    }

    /// The store has what it had before, as another cluster, which does not know the leases that were given meanwhile.
    pub fn restore(&mut self, store: Store) {
        self.clusters += 1;
        self.store = store;
        self.store.cluster = self.clusters;
        self.watched = self.store.history.len();
        // What was agreed since may be known to nobody: a disk may be lost as well.
        let key = crate::proxy::agreement::Key::Latch(SERVICE.into());
        let latch: Option<Latch> = self.store.kept.get(&key).map(|(value, ..)| serde_json::from_str(value).unwrap());
        let epoch = latch.map_or(0, |latch| latch.epoch);
        self.agreed.retain(|agreed, _| *agreed <= epoch);
        // Nobody's connection outlives that.
        for own in 0..self.proxies.len() {
            self.proxies[own].lease = None;
            if self.proxies[own].is_connected {
                self.lose(own, "the store began anew");
            }
        }
    }

    /// A fault of the simulation comes about at a time.
    pub fn plan(&mut self, at: Duration, fault: usize) {
        self.after(at, Happening::Fault(fault));
    }
}
