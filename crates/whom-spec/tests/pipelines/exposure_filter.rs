use super::refusal_with;

#[test]
fn an_exposure_filter_without_an_end_or_of_an_unknown_table() {
    let filtered = |filter: &str| refusal_with("facts:\n", &format!("  exposure_filter: {filter}\nfacts:\n"));
    let endless = filtered("{ from: orders }");
    assert!(endless.starts_with("error: `split.exposure_filter` lacks `window`\n"), "{endless}");
    let nowhere = filtered("{ from: order, window: 1d }");
    assert!(nowhere.starts_with("error: unknown fact table `order`\n"), "{nowhere}");
    assert!(nowhere.contains("did you mean `orders`?"), "{nowhere}");
    let empty = filtered("{ from: orders, window: 0d }");
    assert!(empty.contains("must be longer than `0h`"), "{empty}");
}
