//! Texts in columns.

/// How a column stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Column {
    /// Words, from the left.
    Left(&'static str),
    /// Numbers, to the right.
    Right(&'static str),
}

impl Column {
    fn name(self) -> &'static str {
        match self {
            Self::Left(name) | Self::Right(name) => name,
        }
    }
}

/// A line of names, then the rows, two spaces between columns. It ends with a line break.
pub(crate) fn table<const COLUMNS: usize>(columns: [Column; COLUMNS], rows: &[[String; COLUMNS]]) -> String {
    let names = columns.map(|column| column.name().to_owned());
    let mut widths = names.each_ref().map(|name| name.chars().count());
    for row in rows {
        widths.iter_mut().zip(row).for_each(|(width, cell)| *width = (*width).max(cell.chars().count()));
    }
    let line = |cells: &[String; COLUMNS]| {
        let padded = cells.iter().zip(columns).zip(widths).map(|((cell, column), width)| match column {
            Column::Left(_) => format!("{cell:<width$}"),
            Column::Right(_) => format!("{cell:>width$}"),
        });
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    std::iter::once(&names).chain(rows).map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stand_left_and_numbers_right() {
        let rows = [["a long name", "1"], ["b", "1,000"]].map(|row| row.map(str::to_owned));
        assert_eq!(
            table([Column::Left("name"), Column::Right("n")], &rows),
            "name             n\na long name      1\nb            1,000\n"
        );
    }

    #[test]
    fn without_rows_the_names_stand_alone() {
        assert_eq!(table([Column::Left("name"), Column::Right("n")], &[]), "name  n\n");
    }
}
