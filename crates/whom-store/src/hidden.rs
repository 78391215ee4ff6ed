//! What lies among data and is none.

use object_store::{ObjectMeta, path::Path as ObjectPath};

/// What Hadoop's older file systems append to the name of an object that stands for a folder.
const FOLDER_OBJECT: &str = "_$folder$";

/// Whether the file or a folder between it and `folder` is hidden: starts with `.`, or with `_` unless it is a
/// partition (`_day=…`), as Spark and Hive have it.
pub(crate) fn is_hidden(path: &ObjectPath, folder: &ObjectPath) -> bool {
    let hides = |part: &str| part.starts_with('.') || (part.starts_with('_') && !part.contains('='));
    path.prefix_match(folder).is_some_and(|mut parts| parts.any(|part| hides(part.as_ref())))
}

/// Whether an object stands for a folder. `listed`, sorted by path, is what was listed beneath `folder`.
///
/// Object stores have no folders, so consoles and Hadoop write empty objects in their place: named as the folder,
/// sometimes with a `/` at the end, which `object_store` does not show. A file of data has a name with an extension; if
/// such a file is empty, it is damaged and must not be passed over.
pub(crate) fn is_folder(meta: &ObjectMeta, folder: &ObjectPath, listed: &[ObjectMeta]) -> bool {
    let name = meta.location.filename().unwrap_or_default();
    if meta.size > 0 {
        return false;
    }
    let below = format!("{}/", meta.location);
    let next = listed.partition_point(|other| other.location.as_ref() < below.as_str());
    let has_files = listed.get(next).is_some_and(|other| other.location.as_ref().starts_with(&below));
    meta.location == *folder || name.ends_with(FOLDER_OBJECT) || !name.contains('.') || has_files
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn object(path: &str, size: u64) -> ObjectMeta {
        let last_modified = DateTime::from_timestamp(0, 0).unwrap();
        ObjectMeta { location: ObjectPath::from(path), size, last_modified, e_tag: None, version: None }
    }

    #[test]
    fn empty_objects_in_the_place_of_folders_are_known() {
        let listed = [object("a", 0), object("a/v1.0", 0), object("a/v1.0-x", 1), object("a/v1.0/b.parquet", 1)];
        let folder = ObjectPath::from("a");
        for (path, size, expected) in [
            ("a", 0, true),
            ("a/dt=2026-10-01", 0, true),
            ("a/v1.0", 0, true),
            ("a/x.y_$folder$", 0, true),
            ("a/part-0.parquet", 0, false),
            ("a/dt=2026-10-01", 1, false),
        ] {
            assert_eq!(is_folder(&object(path, size), &folder, &listed), expected, "{path} of {size} bytes");
        }
    }

    #[test]
    fn partitions_are_not_hidden_by_their_underscore() {
        let hidden = |path: &str| is_hidden(&ObjectPath::from(path), &ObjectPath::from("_root"));
        assert!(hidden("_root/_SUCCESS") && hidden("_root/.crc/x") && hidden("_root/a/_tmp/x"));
        assert!(!hidden("_root/a.parquet") && !hidden("_root/_day=1/a.parquet"));
    }
}
