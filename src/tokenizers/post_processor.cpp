#include "tokenizers/post_processor.hpp"

#include <fmt/format.h>

namespace explaind {
namespace {

/// {"SpecialToken": {"id": "<s>", "type_id": 0}} and {"Sequence": {"id": "A", "type_id": 0}}.
SequenceEnds read_template(const JsonPart& part) {
  part.allow_only({"type", "single", "pair", "special_tokens"});
  SequenceEnds ends;
  bool sequence = false;
  for (const JsonPart& piece : part.at("single").items()) {
    piece.allow_only({"SpecialToken", "Sequence"});
    if (!piece.at("Sequence").is_null()) {
      const std::string which = piece.at("Sequence").at("id").text();
      if (which != "A" || sequence) piece.refuse("must hold the sequence A, once");
      sequence = true;
      continue;
    }
    const std::string name = piece.at("SpecialToken").at("id").text();
    const JsonPart token = part.at("special_tokens").at(name);
    if (token.is_null()) piece.refuse(fmt::format("names \"{}\", which has no ids", name));
    for (const JsonPart& id : token.at("ids").items()) {
      (sequence ? ends.after : ends.before).push_back(id.id());
    }
  }
  if (!sequence) part.at("single").refuse("holds no sequence");
  return ends;
}

int64_t id_of_pair(const JsonPart& pair) {
  const std::vector<JsonPart> items = pair.items();
  if (items.size() != 2) pair.refuse("must be a token and its id");
  return items[1].id();
}

}  // namespace

SequenceEnds read_post_processor(const JsonPart& part) {
  if (part.is_null()) return {};
  const std::string type = part.type();
  if (type == "ByteLevel") return {};  // it tells which bytes a token stands for
  if (type == "TemplateProcessing") return read_template(part);
  if (type == "BertProcessing" || type == "RobertaProcessing") {
    return {{id_of_pair(part.at("cls"))}, {id_of_pair(part.at("sep"))}};
  }
  if (type == "Sequence") {
    SequenceEnds ends;
    for (const JsonPart& each : part.at("processors").items()) {
      if (each.is_null()) each.refuse("must be a post-processor, not nothing");
      const SequenceEnds outer = read_post_processor(each);
      ends.before.insert(ends.before.begin(), outer.before.begin(), outer.before.end());
      ends.after.insert(ends.after.end(), outer.after.begin(), outer.after.end());
    }
    return ends;
  }
  part.refuse(fmt::format("is of the type \"{}\", which is not covered", type));
}

}  // namespace explaind
