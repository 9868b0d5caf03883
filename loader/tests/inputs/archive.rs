//! A zip archive, written byte by byte.

/// A member: name, method, flags, bytes before its content, content.
pub type Member<'a> = (&'a str, u16, u16, usize, &'a [u8]);

/// An archive, with the offset of every member's content.
pub fn archive(members: &[Member<'_>], comment: &[u8]) -> (Vec<u8>, Vec<u64>) {
    let (mut file, mut directory, mut offsets) = (Vec::new(), Vec::new(), Vec::new());
    for (name, method, flags, extra, content) in members {
        let header_at = file.len() as u32;
        let size = content.len() as u32;
        let kind = [20, *flags, *method, 0, 0].map(u16::to_le_bytes).concat();
        let sizes = [0, size, size].map(u32::to_le_bytes).concat();
        let lengths = [name.len() as u16, *extra as u16].map(u16::to_le_bytes);
        file.extend(b"PK\x03\x04");
        file.extend([&kind[..], &sizes, &lengths.concat()].concat());
        file.extend(name.bytes());
        file.resize(file.len() + extra, 0);
        offsets.push(file.len() as u64);
        file.extend(*content);
        directory.extend(b"PK\x01\x02");
        directory.extend([&[20, 0], &kind[..], &sizes].concat());
        // Another length of the extra field than in the header.
        let rest = [name.len() as u16, 3, 2, 0, 0, 0, 0];
        directory.extend(rest.map(u16::to_le_bytes).concat());
        directory.extend(header_at.to_le_bytes());
        directory.extend(name.bytes());
        directory.extend([0; 5]);
    }
    let places = [directory.len() as u32, file.len() as u32];
    file.extend(directory);
    file.extend(b"PK\x05\x06");
    let count = members.len() as u16;
    file.extend([0, 0, count, count].map(u16::to_le_bytes).concat());
    file.extend(places.map(u32::to_le_bytes).concat());
    file.extend((comment.len() as u16).to_le_bytes());
    file.extend(comment);
    (file, offsets)
}
