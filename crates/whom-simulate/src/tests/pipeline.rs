use std::path::Path;

use whom_spec::{MemoryReader, Settings, load};

use crate::{Population, Size, Warehouse};

fn yaml(size: Size) -> String {
    Population::new(Warehouse::standard(size, 1)).expect("a population").pipeline_yaml()
}

#[test]
fn every_standard_warehouse_has_a_pipeline_that_is_accepted_without_a_warning() {
    for size in [Size::Tiny, Size::Small, Size::Large, Size::Tenth, Size::Billion, Size::Units(1)] {
        let reader = MemoryReader::default().with("pipeline.yaml", yaml(size));
        match load(Path::new("pipeline.yaml"), &Settings::default(), &reader) {
            Ok(loaded) => assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings),
            Err(error) => panic!("{}", error.render(false)),
        }
    }
}

#[test]
fn a_pipeline_reads_like_one_that_a_person_wrote() {
    insta::assert_snapshot!(yaml(Size::Tiny));
}
