#pragma once
// Readers of foreign bytes, each as a function of bytes alone: libFuzzer calls one for ever
// (fuzz_main.cpp), and the suite calls all of them with the inputs that are kept in ../seeds
// (seeds_test.cpp).
//
// A reader answers with what it has read, all of which is looked at, or with an Error. Anything
// else, another exception too, is a finding.

#include <cstddef>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>

#include "core/error.hpp"

namespace explaind::testing {

void fuzz_safetensors(std::string_view bytes);  ///< a file
void fuzz_index(std::string_view bytes);        ///< model.safetensors.index.json beside two shards
void fuzz_config(std::string_view bytes);       ///< config.json of any family
void fuzz_pickle(std::string_view bytes);       ///< first byte: what is read out of the pickle
void fuzz_torch_file(std::string_view bytes);   ///< a file of torch.save: zip, or pickles in a row
void fuzz_tokenizer(
    std::string_view bytes);                ///< tokenizer.json, then NUL and tokenizer_config.json
void fuzz_samples(std::string_view bytes);  ///< first byte: options; JSON Lines
void fuzz_ini(std::string_view bytes);      ///< first byte: the verb; a file for --config
void fuzz_idx(std::string_view bytes);      ///< a file, plain or gzipped
void fuzz_run(std::string_view bytes);      ///< first byte: which file of a recorded run
void fuzz_yaml(std::string_view bytes);     ///< settings that training programs save
void fuzz_store(std::string_view bytes);    ///< changes to a store, made by HDF5 (store.cpp)

/// Ends the process unless it holds, in every build.
inline void demand(bool holds) {
  if (!holds) std::abort();
}

/// An Error with a message is an answer too.
template <typename Read>
void take_or_refuse(const Read& read) {
  try {
    read();
  } catch (const Error& error) {
    demand(!std::string_view(error.what()).empty());
  }
}

/// Looks at every byte, so that a sanitizer sees one that is not there.
inline void touch(std::span<const std::byte> bytes) {
  static volatile unsigned seen = 0;
  unsigned sum = 0;
  for (const std::byte each : bytes) sum += std::to_integer<unsigned>(each);
  seen = seen + sum;
}

/// The first byte, which chooses, and the rest. Zero of nothing.
inline unsigned take_choice(std::string_view& bytes) {
  if (bytes.empty()) return 0;
  const auto choice = static_cast<unsigned char>(bytes.front());
  bytes.remove_prefix(1);
  return choice;
}

}  // namespace explaind::testing
