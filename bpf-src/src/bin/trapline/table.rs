//! Columns of text, as wide as what is in them.

/// Rows of cells; the first row names the columns.
#[derive(Debug, Default)]
pub struct Table {
    rows: Vec<Vec<String>>,
    /// Columns that stand on the right, as numbers do.
    right: Vec<usize>,
}

impl Table {
    /// A table with these columns; names that start with `>` are aligned right.
    pub fn new(columns: &[&str]) -> Self {
        let numbered = columns.iter().enumerate();
        let right = numbered.filter(|(_, name)| name.starts_with('>'));
        Self {
            right: right.map(|(index, _)| index).collect(),
            rows: vec![
                columns
                    .iter()
                    .map(|name| name.trim_start_matches('>').to_owned())
                    .collect(),
            ],
        }
    }

    /// One more row.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// No rows but the names of the columns?
    pub fn is_empty(&self) -> bool {
        self.rows.len() < 2
    }

    /// All of it, each line indented.
    pub fn text(&self, indent: &str) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let mut text = String::new();
        for row in &self.rows {
            let mut line = indent.to_owned();
            for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
                let space = " ".repeat(width - cell.chars().count());
                let (before, after) = match self.right.contains(&column) {
                    true => (space.as_str(), ""),
                    false => ("", space.as_str()),
                };
                line.push_str(before);
                line.push_str(cell);
                line.push_str(after);
                line.push_str("  ");
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_what_is_in_them() {
        let mut table = Table::new(&["name", ">count"]);
        assert!(table.is_empty());
        table.row(["é".to_owned(), "7".to_owned()]);
        table.row(["longer".to_owned(), "12345678".to_owned()]);
        let text = "  name       count\n  é              7\n  longer  12345678\n";
        assert_eq!(table.text("  "), text);
    }
}
