//! Image references: what they name, whether they are pinned, and the image map.
