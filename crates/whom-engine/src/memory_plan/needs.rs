//! What a run needs, as far as footers tell.

/// Batches that are on their way in a reader: decoded, filtered, evaluated, and eight of them sorted into pieces at once.
const BATCHES_ON_THE_WAY: u64 = 14;

/// What a run needs, as far as footers tell. Rows are those in the files, whatever conditions leave of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Scans that make days for a cache, before all others, each with its largest day; none without a cache.
    pub fill: Vec<ScanNeeds>,
    /// Scans, in their order.
    pub scans: Vec<ScanNeeds>,
    /// Units, about: what is planned by it adapts where there are more.
    pub units: u64,
    /// What lies in memory while the unit table is made, in the order of time.
    pub moments: Vec<Moment>,
    /// Bytes of the unit table.
    pub table: u64,
    /// Bytes of the analysed units, binned and packed.
    pub analysed: u64,
    /// Bytes of those among them that stand for all where searches are repeated; 0 if all stand for themselves.
    pub sampled: u64,
    /// Bytes of the histograms that a search for trees holds at once.
    pub search: u64,
    /// Bytes that the writer of the unit table takes; 0 if it is not published.
    pub writer: u64,
}

/// What one scan reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScanNeeds {
    /// The table.
    pub table: String,
    /// Files.
    pub files: usize,
    /// Rows.
    pub rows: u64,
    /// Bytes of the columns that it needs, as they lie in the files.
    pub bytes: u64,
    /// Bytes of these columns in the row group where they are largest.
    pub row_group: u64,
    /// Bytes of a decoded row.
    pub row: u64,
    /// Bytes that each reader holds besides: units that it remembers, or what it uploads.
    pub remembered: u64,
}

/// What lies in memory while some statements run, all pieces together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moment {
    /// The scan that runs, by its place; `None` while pieces are worked on.
    pub scan: Option<usize>,
    /// Bytes of rows that wait for later statements.
    pub waiting: u64,
    /// Bytes of rows that pieces read and make.
    pub worked: u64,
}

impl ScanNeeds {
    /// What one reader takes.
    pub(super) fn reader(&self, batch_size: usize) -> u64 {
        let rows = self.rows.min(BATCHES_ON_THE_WAY * batch_size as u64);
        self.row_group + rows * self.row + self.remembered
    }
}

impl Needs {
    /// What the hungriest reader takes.
    pub(super) fn reader(&self, batch_size: usize) -> u64 {
        self.fill.iter().chain(&self.scans).map(|scan| scan.reader(batch_size)).max().unwrap_or(0)
    }

    /// All bytes that are read.
    pub fn read(&self) -> u64 {
        self.scans.iter().map(|scan| scan.bytes).sum()
    }

    /// The most bytes of rows that wait for later statements at any moment.
    pub fn waiting(&self) -> u64 {
        self.moments.iter().map(|moment| moment.waiting).max().unwrap_or(0).max(self.table)
    }

    /// What is needed beside the unit table and the binned units once they are made: to search, and then to write.
    pub(super) fn afterwards(&self) -> u64 {
        self.search.max(self.writer)
    }

    /// The most bytes of rows that all pieces together read and make between two scans.
    pub(super) fn worked(&self) -> u64 {
        self.moments.iter().map(|moment| moment.worked).max().unwrap_or(0)
    }
}
