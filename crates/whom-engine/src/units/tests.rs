use whom_stats::{BUCKETS, BucketSet, CodeColumn, ColumnShape, MetricRange, TreePass, UnitColumnParts};

use whom_store::{Location, Stores};

use super::*;
use crate::orders::Bench;

const CODES: usize = 6;

fn shapes() -> Vec<ColumnShape> {
    let shape = |name: &str| ColumnShape { name: name.into(), codes: CODES, ordered: true, missing: None };
    vec![shape("age"), shape("device")]
}

/// The units of some buckets: about a hundred in each.
fn units(buckets: std::ops::Range<usize>, tags: usize) -> UnitColumnParts {
    let of_bucket = |bucket: usize| (0..90 + bucket % 20).map(move |place| (bucket, place * 7_919 + bucket * 104_729));
    let (buckets, numbers): (Vec<usize>, Vec<usize>) = buckets.flat_map(of_bucket).unzip();
    let codes = |step: usize| CodeColumn::U8(numbers.iter().map(|number| (number / step % CODES) as u8).collect());
    UnitColumnParts {
        arm_count: 2,
        arms: numbers.iter().map(|number| (number % 2) as u8).collect(),
        codes: [3, 5][..tags].iter().map(|step| codes(*step)).collect(),
        shapes: shapes()[..tags].to_vec(),
        metrics: vec![numbers.iter().map(|number| (number % 1_000) as i64 - 300).collect()],
        buckets: buckets.iter().map(|bucket| *bucket as u16).collect(),
    }
}

/// The units in so many pieces, kept within so many bytes of memory. Keep the folder while they are asked.
fn source(pieces: usize, tags: usize, resident: u64) -> (UnitSource, tempfile::TempDir) {
    let parent = tempfile::tempdir().unwrap();
    let folder = SpillFolder::create(parent.path(), None).unwrap();
    let pieces: Vec<UnitColumnParts> =
        (0..pieces).map(|piece| units(piece * BUCKETS / pieces..(piece + 1) * BUCKETS / pieces, tags)).collect();
    let range = pieces.iter().map(|piece| MetricRange::of(&piece.metrics[0])).reduce(MetricRange::merged).unwrap();
    let layout = Arc::new(Layout::new(2, shapes()[..tags].to_vec(), vec![range]));
    let count = pieces.iter().map(|piece| piece.arms.len() as u64).sum();
    let keeper = UnitKeeper::new(layout, count, resident, &folder);
    let keep = |piece| keeper.keep(UnitColumns::in_layout(piece, keeper.layout()).unwrap()).unwrap();
    let kept = pieces.into_iter().map(keep).collect();
    (keeper.finish(kept, Arc::default()).unwrap(), parent)
}

fn pass(columns: Vec<usize>) -> Pass {
    let mut routing = Routing::root();
    routing.split(0, 0, [0, 2].into_iter().collect());
    let buckets = (0..1024).step_by(2).collect();
    Pass { trees: vec![TreePass { routing, buckets, weights: None, within: None, nodes: vec![0, 2], columns }] }
}

#[tokio::test]
async fn memory_and_any_number_of_pieces_on_disk_answer_alike() {
    let (memory, _folder) = source(1, 2, u64::MAX);
    assert!(!memory.is_streamed());
    let groupings = vec![Grouping::Everybody, Grouping::Codes { column: 1, codes: 6 }];
    let answers = (memory.answer(pass(vec![1, 0])).await.unwrap(), memory.cells(groupings.clone()).await.unwrap());
    assert!(answers.1[0].pooled(&BucketSet::all()).total_units() > 100_000);
    for (pieces, resident) in [(3, u64::MAX), (1, 0), (2, 0), (7, 0), (1024, 0)] {
        let (source, _folder) = source(pieces, 2, resident);
        assert_eq!(source.is_streamed(), resident == 0);
        assert!(source.answer(pass(vec![1, 0])).await.unwrap() == answers.0, "{pieces} pieces");
        assert!(source.cells(groupings.clone()).await.unwrap() == answers.1, "{pieces} pieces");
    }
}

#[tokio::test]
async fn leaves_of_sampled_units_are_the_same_in_memory_and_on_disk() {
    let trees = || pass(Vec::new()).trees.into_iter().map(|tree| tree.routing).chain([Routing::root()]).collect();
    let sample = || UnitSample { buckets: (0..1024).step_by(3).collect(), step: 7 };
    let (memory, _kept) = source(1, 2, u64::MAX);
    let labels = memory.leaf_labels(trees(), sample()).await.unwrap();
    assert!(labels.units() > 4_000 && labels.of(0).contains(&1), "{}", labels.units());
    for pieces in [1, 3, 1024] {
        let (disk, _folder) = source(pieces, 2, 0);
        assert!(disk.leaf_labels(trees(), sample()).await.unwrap() == labels, "{pieces} pieces");
    }
}

#[tokio::test]
async fn units_without_tags_are_streamed_too() {
    let ((memory, _kept), (disk, _folder)) = (source(1, 0, u64::MAX), source(3, 0, 0));
    let everybody = || vec![Grouping::Everybody];
    assert!(disk.cells(everybody()).await.unwrap() == memory.cells(everybody()).await.unwrap());
}

#[tokio::test]
async fn units_go_to_disk_when_they_are_larger_than_what_they_may_take() {
    let bytes = Layout::new(2, shapes(), vec![MetricRange::of(&units(0..BUCKETS, 2).metrics[0])])
        .resident_bytes(units(0..BUCKETS, 2).arms.len() as u64);
    assert!(!source(2, 2, bytes).0.is_streamed());
    assert!(source(2, 2, bytes - 1).0.is_streamed());
}

#[tokio::test]
async fn pieces_that_are_counted_together_answer_as_each_by_itself() {
    let (memory, _kept) = source(1, 2, u64::MAX);
    let answer = memory.answer(pass(vec![1, 0])).await.unwrap();
    let all = Layout::new(2, shapes(), vec![MetricRange::of(&units(0..BUCKETS, 2).metrics[0])])
        .resident_bytes(units(0..BUCKETS, 2).arms.len() as u64);
    for resident in [all - 1, all / 2, all / 16, 1] {
        let (disk, _folder) = source(64, 2, resident);
        assert!(disk.is_streamed());
        assert!(disk.answer(pass(vec![1, 0])).await.unwrap() == answer, "within {resident} bytes");
    }
}

#[tokio::test]
async fn a_raised_flag_ends_a_stream() {
    let (source, _folder) = source(5, 2, 0);
    source.cancel.store(true, Ordering::Relaxed);
    assert!(matches!(source.answer(pass(vec![0])).await, Err(EngineError::Cancelled)));
    assert!(matches!(source.cells(vec![Grouping::Everybody]).await, Err(EngineError::Cancelled)));
}

#[tokio::test]
async fn a_pass_that_does_not_fit_ends_a_stream() {
    let (source, _folder) = source(5, 2, 0);
    assert!(matches!(source.answer(pass(vec![2])).await, Err(EngineError::Internal(_))));
}

#[tokio::test]
async fn a_piece_that_is_gone_is_an_error_of_resources() {
    let (source, folder) = source(4, 2, 0);
    for spilled in std::fs::read_dir(folder.path()).unwrap() {
        std::fs::remove_file(spilled.unwrap().path().join("2")).unwrap();
    }
    assert!(matches!(source.answer(pass(vec![0])).await, Err(EngineError::Resources(_))));
}

#[tokio::test]
async fn units_that_were_handed_over_answer_as_those_in_memory() {
    let (memory, _folder) = source(1, 2, u64::MAX);
    let parent = tempfile::tempdir().unwrap();
    let stores = Stores::new();
    let exchange = Exchange::create(&stores, &Location::output("exchange", parent.path()).unwrap()).unwrap();
    let folder = SpillFolder::create(parent.path(), None).unwrap();
    let range = (0..4).map(|piece| MetricRange::of(&units(quarter(piece), 2).metrics[0])).reduce(MetricRange::merged);
    let layout = Arc::new(Layout::new(2, shapes(), vec![range.unwrap()]));
    let mut pieces = Vec::new();
    for piece in 0..4 {
        let columns = UnitColumns::in_layout(units(quarter(piece), 2), &layout).unwrap();
        let handed = HandedUnits::hand_over(&exchange, &format!("piece-{piece}"), (&columns, &layout), &folder).await;
        pieces.push(handed.unwrap());
    }
    let layout = LayoutRecord::new(2, shapes(), vec![range.unwrap()]);
    let handed = HandedSource { exchange: exchange.address(), layout, pieces };
    let sent: HandedSource = crate::decoded(&crate::encoded(&handed).unwrap()).unwrap();
    for memory_of_bench in [1 << 30, 0] {
        let (host, spill) = ("h".to_owned(), parent.path().join("bench"));
        let bench = Bench { host, memory: memory_of_bench, spill, cancel: Arc::default() };
        let taken = sent.clone().take(&bench, &stores, &Arc::default()).await.unwrap();
        for _ in 0..2 {
            let answer = taken.answer(pass(vec![1, 0])).await.unwrap();
            assert!(answer == memory.answer(pass(vec![1, 0])).await.unwrap(), "with {memory_of_bench} bytes");
        }
        bench.cancel.store(true, Ordering::Relaxed);
        assert!(matches!(taken.answer(pass(vec![0])).await, Err(EngineError::Cancelled)));
    }
}

fn quarter(piece: usize) -> std::ops::Range<usize> {
    piece * BUCKETS / 4..(piece + 1) * BUCKETS / 4
}
