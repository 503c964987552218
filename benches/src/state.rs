//! States to save, the same in each run.

use serde::{Deserialize, Serialize};

/// Numbers that look random and are the same in each run.
#[derive(Clone, Debug)]
pub struct Noise(u64);

impl Noise {
    /// The numbers that follow from a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    /// The next number (xorshift64, Marsaglia 2003).
    pub fn number(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// Text of hexadecimal digits, which compresses to half at best.
    pub fn hex(&mut self, length: usize) -> String {
        let mut text = String::with_capacity(length + 16);
        while text.len() < length {
            text.push_str(&format!("{:016x}", self.number()));
        }
        text.truncate(length);
        text
    }

    /// Words out of a vocabulary of some thousands, frequent ones more often, as in a conversation.
    pub fn words(&mut self, length: usize) -> String {
        let mut text = String::with_capacity(length + 16);
        while text.len() < length {
            let u = (self.number() % (1 << 20)) as f64 / f64::from(1 << 20);
            let word = (u * u * u * 4_000.0) as u64;
            let letters = 2 + word % 9;
            let mut of = Self::new(word.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            text.extend((0..letters).map(|_| char::from(b'a' + (of.number() % 26) as u8)));
            text.push(if self.number().is_multiple_of(12) {
                '.'
            } else {
                ' '
            });
        }
        text
    }

    /// Bytes that do not compress.
    pub fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| (self.number() >> 32) as u8).collect()
    }
}

/// A state of about 1 KiB.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Small {
    task: String,
    step: u32,
    done: bool,
    notes: Vec<String>,
    blob: String,
}

/// A state of about 1 KiB.
pub fn small(noise: &mut Noise) -> Small {
    let notes = vec![noise.hex(100), noise.hex(100), noise.hex(80)];
    Small {
        task: noise.hex(24),
        step: 7,
        done: false,
        notes,
        blob: noise.hex(610),
    }
}

/// A conversation.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Conversation {
    model: String,
    /// One a turn.
    pub messages: Vec<Message>,
}

/// A turn of a conversation.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Message {
    id: String,
    role: String,
    /// What was said.
    pub content: String,
    tokens: u64,
}

/// A turn of about so many bytes.
pub fn message(noise: &mut Noise, length: usize) -> Message {
    let tokens = noise.number() % 4_000;
    Message {
        id: noise.hex(24),
        role: "assistant".to_owned(),
        content: noise.words(length),
        tokens,
    }
}

/// A conversation of about so many bytes as JSON.
pub fn conversation(noise: &mut Noise, length: usize) -> Conversation {
    let mut messages = Vec::new();
    let mut total = 0;
    while total < length {
        let size = 300 + (noise.number() % 3_000) as usize;
        messages.push(message(noise, size));
        total += size + 100;
    }
    Conversation {
        model: "m".to_owned(),
        messages,
    }
}

/// Changes about one part in a hundred of a conversation of 1 MiB: a message in the middle, and the oldest four give way
/// to new ones.
pub fn change(conversation: &mut Conversation, noise: &mut Noise) {
    let middle = conversation.messages.len() / 2;
    conversation.messages[middle].content = noise.words(900);
    conversation.messages.drain(..4);
    let new = (0..4).map(|_| message(noise, 2_200));
    conversation.messages.extend(new);
}

/// What is said in a conversation that is saved whole at each turn.
#[derive(Clone, Copy, Debug)]
pub enum Turns {
    /// Text like that of people.
    Words,
    /// Text that compresses to half at best.
    Digits,
}

impl Turns {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Words, Self::Digits];
    /// How many there are.
    pub const COUNT: usize = 200;

    /// What it is called.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Words => "words",
            Self::Digits => "hexadecimal digits",
        }
    }

    /// The turns, of 2 KiB each.
    pub fn messages(self) -> impl Iterator<Item = Turn> {
        let mut noise = Noise::new(8);
        (0..Self::COUNT).map(move |_| Turn {
            role: "assistant",
            id: noise.hex(32),
            content: match self {
                Self::Words => {
                    let mut text = noise.words(2_048);
                    text.truncate(2_048);
                    text
                }
                Self::Digits => noise.hex(2_048),
            },
        })
    }
}

/// One turn of such a conversation.
#[derive(Clone, Debug, Serialize)]
pub struct Turn {
    role: &'static str,
    id: String,
    content: String,
}
