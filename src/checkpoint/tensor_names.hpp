#pragma once
// Names of a state dict that was saved out of a wrapper (torch.compile, DistributedDataParallel,
// FSDP, Lightning), brought back to the model's own.

#include <map>
#include <string>
#include <vector>

#include "checkpoint/tensor_view.hpp"
#include "families/decoder_config.hpp"

namespace explaind {

/// Takes off what wrappers add: `_orig_mod.`, `_fsdp_wrapped_module.`,
/// `_checkpoint_wrapped_module.` and `_forward_module.` wherever they stand, and a beginning that
/// all names share before that of the embedding, `model.embed_tokens.weight` (`module.`, `model.`);
/// where the names are those of the inner model (`embed_tokens.weight`), `model.`, or what stands
/// for it in the family, is put before them. names: of the config.json beside the files.
///
/// Returns what was done, for a note; empty where the names were the model's own.
/// Throws DataError naming `where` where two names become one.
std::string unwrap_names(std::map<std::string, TensorView>& tensors, const DecoderNames& names,
                         const std::string& where);

/// The same of names alone.
struct UnwrappedNames {
  std::map<std::string, std::string> now;  ///< name as it was → the model's own
  std::string done;
};
UnwrappedNames unwrap_names(const std::vector<std::string>& given, const DecoderNames& names,
                            const std::string& where);

/// One name without what torch.compile, FSDP and the like put into it, and without `module.` before
/// it.
std::string unwrapped(const std::string& name);

}  // namespace explaind
