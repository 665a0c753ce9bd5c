#pragma once
// What the doctor has to say of a series.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace explaind {

/// Something that whoever uses the series should look at first.
struct Finding {
  /// What it may be of; its word is in the JSON of `inspect --check`.
  enum class Kind {
    unreadable,            ///< config.json or a weight file is broken or no such file at all
    missing_file,          ///< a shard that the index lists, or what nearly all others have
    surplus_file,          ///< weights that are not read, and that hardly another has
    lfs_pointer,           ///< Git's placeholder in place of a file
    not_finite,            ///< NaN or infinite weights
    identical_checkpoint,  ///< byte for byte the weights of another step
    identical_file,        ///< one file of the weights, the others differ
    identical_tensor,      ///< one tensor, where it should have moved
    foreign_checkpoint,    ///< all weights out of line with their neighbours
    foreign_file,          ///< a file's weights out of line with those of the other files
    foreign_tensor,        ///< a tensor out of line with the other tensors
    tied_copies,           ///< an unembedding that is tied to the embedding differs from it
    step_gap,              ///< a step is missing where the others are evenly spaced
    dtype_change,          ///< stored types differ from the checkpoint before
    config_change,         ///< config.json differs from the checkpoint before
    tokenizer_change,      ///< tokenizer's files differ from the checkpoint before
    tensor_change,         ///< names or shapes of tensors differ from the checkpoint before
  };

  Kind kind;
  std::vector<size_t> checkpoints;  ///< that it is of, ascending; more than one: any of them
  std::string where;                ///< a file or tensor; empty: the checkpoint
  std::string text;                 ///< a sentence without its full stop
};

/// "identical_file".
std::string_view word_of(Finding::Kind kind);

/// "a, b and 3 more" of the first two or three.
std::string some_of(const std::vector<std::string>& names);

}  // namespace explaind
