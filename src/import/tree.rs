//! Values of a document in the order in which people write them: what both printers print.

/// A value of JSON or Nix.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tree {
    /// true or false.
    Flag(bool),
    /// A whole number.
    Number(u64),
    /// A string.
    Text(String),
    /// A list.
    List(Vec<Tree>),
    /// Keys and their values.
    Table(Table),
}

/// Keys and values, in order; no key twice.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Table(Vec<(String, Tree)>);

impl Table {
    /// Without any.
    pub fn new() -> Table {
        Table::default()
    }

    /// Adds a key at the end, or gives one that is there another value in its place.
    pub fn set(&mut self, key: &str, value: impl Into<Tree>) {
        let value = value.into();
        match self.0.iter_mut().find(|(name, _)| name == key) {
            Some((_, present)) => *present = value,
            None => self.0.push((key.to_owned(), value)),
        }
    }

    /// The same, for a table that is being put together.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Tree>) -> Table {
        self.set(key, value);
        self
    }

    /// Adds all of another one.
    #[must_use]
    pub fn with_all(mut self, other: Table) -> Table {
        self.extend(other);
        self
    }

    /// Sets it where there is a value.
    pub fn set_some(&mut self, key: &str, value: Option<impl Into<Tree>>) {
        if let Some(value) = value {
            self.set(key, value);
        }
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Tree> {
        self.0.iter().find_map(|(name, value)| (name == key).then_some(value))
    }

    /// Takes a key out.
    pub fn remove(&mut self, key: &str) -> Option<Tree> {
        let place = self.0.iter().position(|(name, _)| name == key)?;
        Some(self.0.remove(place).1)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Tree)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Takes over what another one has.
    pub fn extend(&mut self, other: Table) {
        for (key, value) in other.0 {
            self.set(&key, value);
        }
    }
}

impl Tree {
    /// The text of one.
    pub fn text(&self) -> Option<&str> {
        if let Tree::Text(text) = self { Some(text) } else { None }
    }

    /// The list of one.
    pub fn list(&self) -> &[Tree] {
        if let Tree::List(list) = self { list } else { &[] }
    }

    /// The table of one.
    pub fn table(&self) -> Option<&Table> {
        if let Tree::Table(table) = self { Some(table) } else { None }
    }
}

impl From<bool> for Tree {
    fn from(flag: bool) -> Tree {
        Tree::Flag(flag)
    }
}

impl From<u64> for Tree {
    fn from(number: u64) -> Tree {
        Tree::Number(number)
    }
}

impl From<&str> for Tree {
    fn from(text: &str) -> Tree {
        Tree::Text(text.to_owned())
    }
}

impl From<String> for Tree {
    fn from(text: String) -> Tree {
        Tree::Text(text)
    }
}

impl From<Table> for Tree {
    fn from(table: Table) -> Tree {
        Tree::Table(table)
    }
}

impl<T: Into<Tree>> From<Vec<T>> for Tree {
    fn from(list: Vec<T>) -> Tree {
        Tree::List(list.into_iter().map(Into::into).collect())
    }
}
