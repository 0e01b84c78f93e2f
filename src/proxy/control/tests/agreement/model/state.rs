//! What a small fleet can be in: few numbers, so that it is seen when two ways lead to the same.

/// How many proxies there are.
pub const PROXIES: usize = 3;
/// A lease lasts so many ticks.
pub const LEASE: u8 = 2;

/// A latch: which move it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Move {
    pub epoch: u8,
    /// The active backend, 0 or 1.
    pub active: u8,
    pub by_operator: bool,
}

/// A seat in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Seated {
    pub lease: u8,
    pub stands_at: u8,
    /// Its proxy finds the first backend down.
    pub finds_down: bool,
    pub written: u8,
}

/// What is in the store, or what somebody saw of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Content {
    /// As of so many of the writes that are still to be seen in the store.
    pub revision: u8,
    pub latch: Move,
    pub written: u8,
    pub seats: [Option<Seated>; PROXIES],
}

/// A lease, and how many ticks ago it was renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Held {
    pub id: u8,
    pub age: u8,
}

/// One proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Proxy {
    /// What it knows of the store.
    pub view: Option<Content>,
    /// Its lease as it judges that itself; gone when it has lapsed.
    pub lease: Option<Held>,
    /// The latch that is in force here.
    pub in_force: Move,
    pub stands_at: u8,
    /// What its workers answer from: the latch, and whether they send requests to its active backend.
    pub workers: (Move, bool),
    /// Its checks find the first backend down.
    pub finds_down: bool,
    /// Its transactions under way, of its seat and of the latch: numbers of a table, 0 is none.
    pub sent: [u16; 2],
}

/// A fleet, and its store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct State {
    pub store: Content,
    /// The leases that the store knows, by proxy: the last one that it gave, and one before under which there is still a seat.
    pub leases: [[Option<Held>; 2]; PROXIES],
    pub proxies: [Proxy; PROXIES],
    /// So many faults may still come.
    pub faults: u8,
}

impl State {
    /// All begin, and the store has the first latch.
    pub fn first(faults: u8) -> State {
        let proxy = Proxy {
            view: None,
            lease: None,
            in_force: Move::default(),
            stands_at: 0,
            workers: (Move::default(), false),
            finds_down: false,
            sent: [0; 2],
        };
        let store = Content { revision: 1, latch: Move::default(), written: 1, seats: [None; PROXIES] };
        State { store, leases: [[None; 2]; PROXIES], proxies: [proxy; PROXIES], faults }
    }
}

impl Content {
    /// The same where the proxies are called otherwise.
    pub fn renamed(&self, order: [usize; PROXIES]) -> Content {
        Content { seats: order.map(|own| self.seats[own]), ..*self }
    }
}

/// A lease has run out at the store, which takes away the seat that stands under it.
pub fn expire(mut state: State, own: usize, which: usize) -> State {
    let lease = state.leases[own][which].take();
    state.store.seats[own].take_if(|seat| lease.is_some_and(|lease| lease.id == seat.lease));
    state
}

/// A process ends at once and begins anew with the latch that it finds on its disk.
pub fn crash(mut state: State, own: usize, found: Move) -> State {
    let Proxy { finds_down, .. } = state.proxies[own];
    let workers = (found, false);
    let (in_force, stands_at, sent) = (found, found.epoch, [0; 2]);
    state.proxies[own] = Proxy { view: None, lease: None, in_force, stands_at, workers, finds_down, sent };
    let under = state.store.seats[own].map(|seat| seat.lease);
    // The seat of the process before stays until its lease has run out.
    let old = state.leases[own].into_iter().flatten().find(|lease| Some(lease.id) == under);
    state.leases[own] = [None, old];
    state
}
