//! The figures as people read them.

use std::fmt;

use super::{Costs, budget};

impl fmt::Display for Costs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "instructions per operation, Linux {}", self.release)?;
        writeln!(
            f,
            "  {:<26} {:>12} {:>24} {:>24}",
            "", "no sensors", "fentry adds", "kprobe adds"
        )?;
        for operation in &self.operations {
            let added = |flavour| match operation.added(flavour) {
                None => "-".to_owned(),
                Some(added) => {
                    let share = added as f64 * 100.0 / operation.without as f64;
                    format!("{} ({share:+.1} %)", grouped(added))
                }
            };
            let without = grouped(operation.without.cast_signed());
            let (fentry, kprobe) = (added("fentry"), added("kprobe"));
            let name = &operation.name;
            writeln!(f, "  {name:<26} {without:>12} {fentry:>24} {kprobe:>24}")?;
        }
        writeln!(
            f,
            "verified instructions per program, at most {}",
            grouped(budget::VERIFIED_INSNS_PER_PROGRAM.cast_signed())
        )?;
        for flavour in ["fentry", "kprobe"] {
            let mut total = 0;
            for program in self
                .programs
                .iter()
                .filter(|program| program.flavour == flavour)
            {
                let told = |figure: Option<u64>| {
                    figure.map_or("-".to_owned(), |figure| grouped(figure.cast_signed()))
                };
                total += program.verified_insns.unwrap_or(0);
                writeln!(
                    f,
                    "  {:<24} {:<16} {:>12} {:>12} B of machine code",
                    program.name,
                    program.attach,
                    told(program.verified_insns),
                    told(program.jited_bytes)
                )?;
            }
            let total = grouped(i64::try_from(total).unwrap_or(i64::MAX));
            writeln!(
                f,
                "  {:<41} {total:>12}",
                format!("all of the {flavour} flavour")
            )?;
        }
        Ok(())
    }
}

/// `1234567` as `1,234,567`.
fn grouped(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::from(if number < 0 { "-" } else { "" });
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn digits_are_grouped_by_three() {
        let texts = [0, 999, 1000, -1_234_567].map(grouped);
        assert_eq!(texts, ["0", "999", "1,000", "-1,234,567"]);
    }
}
