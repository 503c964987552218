//! The layer itself: the platform's own, with opening and deleting heard where a tap is.

#![allow(unsafe_code, reason = "the engine's file layer is an interface of C")]

use std::ffi::{CStr, c_char, c_int};
use std::path::Path;
use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicPtr, Ordering};

use checkpoint_torture::disk::Op;
use rusqlite::ffi;

use crate::{file, registry};

/// The platform's layer, which the engine keeps for the life of the process.
static REAL: AtomicPtr<ffi::sqlite3_vfs> = AtomicPtr::new(ptr::null_mut());

/// Puts the layer in the place of the platform's, once. Stores beside the taps' directories go straight through.
pub(crate) fn install() -> Result<(), c_int> {
    static DONE: OnceLock<c_int> = OnceLock::new();
    match *DONE.get_or_init(register) {
        ffi::SQLITE_OK => Ok(()),
        code => Err(code),
    }
}

fn register() -> c_int {
    // SAFETY: both may be called at any time; a null name asks for the default layer.
    let real = unsafe {
        ffi::sqlite3_initialize();
        ffi::sqlite3_vfs_find(ptr::null())
    };
    if real.is_null() {
        return ffi::SQLITE_ERROR;
    }
    REAL.store(real, Ordering::Release);
    // SAFETY: the engine's layers live as long as the process, and are plain data that may be copied. All functions but
    // the two below are the platform's own, which take what they need from the fields that are copied with them.
    let copy = unsafe { ptr::read(real) };
    let ours = Box::new(ffi::sqlite3_vfs {
        szOsFile: file::HEADER as c_int + copy.szOsFile,
        pNext: ptr::null_mut(),
        zName: c"checkpoint-tap".as_ptr(),
        xOpen: Some(open),
        xDelete: Some(delete),
        ..copy
    });
    // SAFETY: what is registered is never freed.
    unsafe { ffi::sqlite3_vfs_register(Box::into_raw(ours), 1) }
}

/// The path of a file, unless it is one that the engine names itself.
///
/// # Safety
///
/// The name is null or ends with a NUL, and lives for the call that it was given to.
unsafe fn path<'a>(name: *const c_char) -> Option<&'a Path> {
    if name.is_null() {
        return None;
    }
    // SAFETY: as the caller says.
    let name = unsafe { CStr::from_ptr(name) };
    name.to_str().ok().map(Path::new)
}

unsafe extern "C" fn open(
    _: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    flags_out: *mut c_int,
) -> c_int {
    let real = REAL.load(Ordering::Acquire);
    // SAFETY: the engine's names live as long as the file is open.
    let path = unsafe { path(name) };
    // SAFETY: `register` stored a layer that lives as long as the process, before anybody could call this.
    let Some(open) = (unsafe { (*real).xOpen }) else {
        return ffi::SQLITE_CANTOPEN;
    };
    let Some((path, tap)) = path.and_then(|path| Some((path, registry::find(path)?))) else {
        // SAFETY: the engine gives more room than the platform's layer asks for, and its own arguments.
        return unsafe { open(real, name, file, flags, flags_out) };
    };
    // SAFETY: the engine gives room for `szOsFile` bytes; no methods mean that the file is not open.
    unsafe { (*file).pMethods = ptr::null() };
    let mut turn = tap.turn();
    if turn.fault(Op::Open).is_some() {
        return ffi::SQLITE_CANTOPEN;
    }
    let was_there = path.exists();
    // SAFETY: behind the header there is the room that the platform's layer asks for.
    let code = unsafe { open(real, name, file::real(file), flags, flags_out) };
    if code == ffi::SQLITE_OK {
        let id = turn.opened(path, !was_there);
        drop(turn);
        // SAFETY: as above; the platform's file is open.
        unsafe { file::begin(file, tap, id, path, flags) };
    }
    code
}

unsafe extern "C" fn delete(_: *mut ffi::sqlite3_vfs, name: *const c_char, sync: c_int) -> c_int {
    let real = REAL.load(Ordering::Acquire);
    // SAFETY: the engine's name lives for this call.
    let path = unsafe { path(name) };
    // SAFETY: as in `open`.
    let Some(delete) = (unsafe { (*real).xDelete }) else {
        return ffi::SQLITE_IOERR_DELETE;
    };
    let Some((path, tap)) = path.and_then(|path| Some((path, registry::find(path)?))) else {
        // SAFETY: the engine's own arguments.
        return unsafe { delete(real, name, sync) };
    };
    let mut turn = tap.turn();
    if turn.fault(Op::Remove).is_some() {
        return ffi::SQLITE_IOERR_DELETE;
    }
    // SAFETY: the engine's own arguments.
    let code = unsafe { delete(real, name, 0) };
    if code != ffi::SQLITE_OK {
        return code;
    }
    turn.removed(path);
    if sync & 1 != 0 {
        if turn.fault(Op::SyncDirectory).is_some() {
            return ffi::SQLITE_IOERR_DIR_FSYNC;
        }
        if let Some(directory) = path.parent() {
            turn.synced_directory(directory);
        }
    }
    code
}
