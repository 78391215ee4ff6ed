//! YAML to a validated plan, with messages that point into the file.
