//! The fields of structs that host and kernels share.

/// A struct that host and kernels share, with the place of each field. A test compares it with the WGSL struct.
pub trait Fields {
    /// Name of each field, and its offset in bytes.
    const FIELDS: &'static [(&'static str, usize)];
}

/// Declares a struct of the host that a kernel has too, and implements [`Fields`] for it.
macro_rules! shared_struct {
    ($(#[$meta:meta])* pub struct $name:ident { $($(#[$field_meta:meta])* pub $field:ident: $type:ty,)* }) => {
        $(#[$meta])*
        #[repr(C)]
        pub struct $name {
            $($(#[$field_meta])* pub $field: $type,)*
        }

        impl $crate::params::fields::Fields for $name {
            const FIELDS: &'static [(&'static str, usize)] =
                &[$((stringify!($field), std::mem::offset_of!($name, $field))),*];
        }
    };
}

pub(super) use shared_struct;
