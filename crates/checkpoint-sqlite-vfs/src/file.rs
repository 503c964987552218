//! An open file: what the tap needs, and behind it the platform's own.
//!
//! What is said to be wrong is said as the platform's layer for Unix says it.

#![allow(unsafe_code, reason = "the engine's file layer is an interface of C")]

use std::ffi::{c_int, c_void};
use std::path::{Path, PathBuf};
use std::ptr;

use checkpoint_torture::disk::{Fault, FileId, Op, Tap};
use rusqlite::ffi::{self, sqlite3_file};

/// The start of a file as the engine sees it.
#[repr(C)]
struct Header {
    base: sqlite3_file,
    heard: *mut Heard,
}

/// Bytes before the platform's file; more than any alignment that it may need.
pub(crate) const HEADER: usize = size_of::<Header>().next_multiple_of(16);

/// Who hears of a file.
struct Heard {
    tap: Tap,
    /// None for a file that was there and that the tap does not know.
    id: Option<FileId>,
    /// The directory of a journal or log that may be new: the platform syncs it with the first sync of the file.
    directory: Option<PathBuf>,
}

/// The platform's file.
///
/// # Safety
///
/// The file has the size that this layer asks the engine for.
pub(crate) unsafe fn real(file: *mut sqlite3_file) -> *mut sqlite3_file {
    // SAFETY: as the caller says.
    unsafe { file.byte_add(HEADER) }
}

/// Makes a file one that is heard, once the platform's is open.
///
/// # Safety
///
/// As for [`real`]; the platform's file is open.
pub(crate) unsafe fn begin(
    file: *mut sqlite3_file,
    tap: Tap,
    id: Option<FileId>,
    path: &Path,
    flags: c_int,
) {
    let logs =
        ffi::SQLITE_OPEN_WAL | ffi::SQLITE_OPEN_MAIN_JOURNAL | ffi::SQLITE_OPEN_SUPER_JOURNAL;
    let may_be_new = flags & ffi::SQLITE_OPEN_CREATE != 0 && flags & logs != 0;
    let directory = path.parent().filter(|_| may_be_new).map(Path::to_owned);
    let heard = Box::into_raw(Box::new(Heard { tap, id, directory }));
    // SAFETY: the header lies at the start of the room that the engine gave.
    unsafe {
        (*file.cast::<Header>()).heard = heard;
        (*file).pMethods = &raw const METHODS;
    }
}

/// Both parts of an open file.
///
/// # Safety
///
/// The file is one that `begin` made and `close` has not closed. The engine uses a file from one thread at a time.
unsafe fn parts<'a>(file: *mut sqlite3_file) -> (&'a mut Heard, *mut sqlite3_file) {
    // SAFETY: as the caller says.
    unsafe { (&mut *(*file.cast::<Header>()).heard, real(file)) }
}

/// Calls a method of the platform's file.
macro_rules! call {
    ($real:expr, $method:ident($($arg:expr),*), $missing:expr) => {{
        let real = $real;
        // SAFETY: the platform's file is open, so it has methods; the arguments are the engine's own.
        unsafe { (*(*real).pMethods).$method.map_or($missing, |method| method(real, $($arg),*)) }
    }};
}

/// Methods that nobody listens to.
macro_rules! pass {
    ($($name:ident -> $method:ident($($arg:ident: $type:ty),*);)+) => {$(
        unsafe extern "C" fn $name(file: *mut sqlite3_file, $($arg: $type),*) -> c_int {
            // SAFETY: the engine calls methods on files that are open.
            let (_, real) = unsafe { parts(file) };
            call!(real, $method($($arg),*), ffi::SQLITE_IOERR)
        }
    )+};
}

pass! {
    size -> xFileSize(size: *mut ffi::sqlite3_int64);
    lock -> xLock(level: c_int);
    unlock -> xUnlock(level: c_int);
    reserved -> xCheckReservedLock(out: *mut c_int);
    control -> xFileControl(op: c_int, argument: *mut c_void);
    sector_size -> xSectorSize();
    characteristics -> xDeviceCharacteristics();
    map -> xShmMap(page: c_int, size: c_int, extend: c_int, out: *mut *mut c_void);
    lock_map -> xShmLock(offset: c_int, count: c_int, flags: c_int);
    unmap -> xShmUnmap(delete: c_int);
}

unsafe extern "C" fn barrier(file: *mut sqlite3_file) {
    // SAFETY: the engine calls methods on files that are open.
    let (_, real) = unsafe { parts(file) };
    let () = call!(real, xShmBarrier(), ());
}

unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    // SAFETY: the engine closes a file that is open, once.
    let code = unsafe {
        let header = file.cast::<Header>();
        drop(Box::from_raw((*header).heard));
        (*header).heard = ptr::null_mut();
        real(file)
    };
    call!(code, xClose(), ffi::SQLITE_OK)
}

unsafe extern "C" fn read(
    file: *mut sqlite3_file,
    to: *mut c_void,
    length: c_int,
    at: ffi::sqlite3_int64,
) -> c_int {
    // SAFETY: the engine calls methods on files that are open.
    let (heard, real) = unsafe { parts(file) };
    let mut turn = heard.tap.turn();
    if turn.fault(Op::Read).is_some() {
        return ffi::SQLITE_IOERR_CORRUPTFS;
    }
    call!(real, xRead(to, length, at), ffi::SQLITE_IOERR_READ)
}

unsafe extern "C" fn write(
    file: *mut sqlite3_file,
    from: *const c_void,
    length: c_int,
    at: ffi::sqlite3_int64,
) -> c_int {
    // SAFETY: the engine calls methods on files that are open.
    let (heard, real) = unsafe { parts(file) };
    let mut turn = heard.tap.turn();
    let (length, after) = match turn.fault(Op::Write) {
        None => (length, ffi::SQLITE_OK),
        Some(Fault::Short) => (length / 2, ffi::SQLITE_FULL),
        Some(Fault::Full) => return ffi::SQLITE_FULL,
        Some(_) => return ffi::SQLITE_IOERR_WRITE,
    };
    let code = call!(real, xWrite(from, length, at), ffi::SQLITE_IOERR_WRITE);
    if code != ffi::SQLITE_OK {
        return code;
    }
    if let Some(id) = heard.id {
        // SAFETY: the engine gives as many bytes as it says, and `length` is no more than that.
        let bytes = unsafe { std::slice::from_raw_parts(from.cast::<u8>(), length as usize) };
        turn.wrote(id, at.cast_unsigned(), bytes);
    }
    after
}

unsafe extern "C" fn truncate(file: *mut sqlite3_file, length: ffi::sqlite3_int64) -> c_int {
    // SAFETY: the engine calls methods on files that are open.
    let (heard, real) = unsafe { parts(file) };
    let mut turn = heard.tap.turn();
    if turn.fault(Op::Truncate).is_some() {
        return ffi::SQLITE_IOERR_TRUNCATE;
    }
    let code = call!(real, xTruncate(length), ffi::SQLITE_IOERR_TRUNCATE);
    if let Some(id) = heard.id.filter(|_| code == ffi::SQLITE_OK) {
        turn.truncated(id, length.cast_unsigned());
    }
    code
}

unsafe extern "C" fn sync(file: *mut sqlite3_file, flags: c_int) -> c_int {
    // SAFETY: the engine calls methods on files that are open.
    let (heard, real) = unsafe { parts(file) };
    let mut turn = heard.tap.turn();
    let code = match turn.fault(Op::Sync) {
        Some(_) => ffi::SQLITE_IOERR_FSYNC,
        None => call!(real, xSync(flags), ffi::SQLITE_IOERR_FSYNC),
    };
    if let Some(id) = heard.id {
        turn.synced(id, code == ffi::SQLITE_OK);
    }
    if code == ffi::SQLITE_OK
        && let Some(directory) = heard.directory.take()
    {
        turn.synced_directory(&directory);
    }
    code
}

/// Version 2: no pages of the file in memory, where nobody would hear of a write.
static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(reserved),
    xFileControl: Some(control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(characteristics),
    xShmMap: Some(map),
    xShmLock: Some(lock_map),
    xShmBarrier: Some(barrier),
    xShmUnmap: Some(unmap),
    xFetch: None,
    xUnfetch: None,
};
