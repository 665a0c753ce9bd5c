#pragma once
// Small tokenizer.json files, valid ones that tests change.

#include <nlohmann/json.hpp>

namespace explaind::testing {

/// Byte-level BPE over all bytes, with the merges h e, l l, he ll, hell o, Ġ w and e l; ids of
/// bytes in the order of their values. "<s>" begins a sequence.
nlohmann::json byte_level_bpe();
/// SentencePiece-like: ▁ for blanks, bytes where there is no piece.
nlohmann::json blank_marks_bpe();
/// Unigram over a few words with Metaspace.
nlohmann::json unigram();

}  // namespace explaind::testing
