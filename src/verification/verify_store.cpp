#include "verification/verify_store.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "core/counted.hpp"
#include "job/question.hpp"
#include "scores/certificates.hpp"
#include "store/store_reader.hpp"
#include "verification/coordinate_check.hpp"
#include "verification/flag_check.hpp"
#include "verification/sum_checks.hpp"

namespace explaind {
namespace {

/// The checks of one store, filled unit by unit.
class StoreChecks {
 public:
  explicit StoreChecks(const StoreReader& store) : store_(store), shape_(store) {
    if (store.has("length")) lengths_ = store.numbers("length");
    certified_ = has_certificates();
    changes_.unit = scalars_.unit = store.unit("psi");
    checksums_.why_not = shape_.units_doubt;
    if (!certified_) {
      changes_.why_not = flags_.why_not = "the file is a part of a store: " + shape_.part;
    } else if (!shape_.part.empty()) {
      changes_.why_not = "the file is a part of a store: " + shape_.part;
    } else if (shape_.of_groups && static_cast<int64_t>(shape_.group_of.size()) != shape_.samples) {
      changes_.why_not = "the file does not say which samples a group has";
    }
    if (flags_.why_not.empty()) flags_.why_not = why_no_flags();
    if (shape_.dense.empty()) scalars_.why_not = "the store has no scores of single scalars";
    if (scalars_.why_not.empty() && !shape_.part.empty()) scalars_.why_not = changes_.why_not;
    const bool positions = !lengths_.empty() && shape_.of_samples && has_positions();
    if (!positions) ends_.why_not = "the store has no positions of samples";
    if (flags_.why_not.empty()) rule_ = question_of(shape_.options).solver.quadrature;
  }

  void run(Verification& found) {
    found.units = shape_.units.size();
    for (const int64_t index : in_order_of_chunks()) {
      const Unit unit = shape_.units.unit(index);
      if (shape_.is_torn(unit))
        torn_.fail(shape_.name_of(unit) + ": some of its samples are marked");
      ++torn_.checked;
      if (!shape_.is_committed(unit)) continue;
      ++found.committed;
      check(unit);
    }
    check_coordinates(store_, coordinates_);
    for (Check* each :
         {&checksums_, &torn_, &finite_, &changes_, &scalars_, &ends_, &flags_, &coordinates_}) {
      found.checks.push_back(std::move(*each));
    }
    if (!shape_.part.empty()) {
      found.notes.push_back("the file is a part of a store: " + shape_.part);
    }
    if (!shape_.configured) found.notes.emplace_back("the file does not say how it was made");
  }

 private:
  [[nodiscard]] bool has_certificates() const {
    return std::all_of(certificates().begin(), certificates().end(),
                       [&](const Certificate& each) { return store_.has(each.name); });
  }
  [[nodiscard]] bool has_positions() const {
    const std::vector<std::string> dims = store_.variable("psi").dims;
    return std::find(dims.begin(), dims.end(), "position") != dims.end();
  }

  /// Segment by segment; where several lie in a chunk, as in a repacked store, all segments of some
  /// samples and then of the next: what is unpacked for one is still there for the other.
  [[nodiscard]] std::vector<int64_t> in_order_of_chunks() const {
    std::vector<int64_t> order(static_cast<size_t>(shape_.units.size()));
    std::iota(order.begin(), order.end(), int64_t{0});
    if (store_.open_array("psi").chunk().empty()) return order;
    const int64_t per_segment = shape_.units.per_segment();
    std::stable_sort(order.begin(), order.end(),
                     [&](int64_t a, int64_t b) { return a % per_segment < b % per_segment; });
    return order;
  }

  /// Empty where flags can be told from certificates.
  [[nodiscard]] std::string why_no_flags() const {
    if (!shape_.configured) return "the file does not say what the tolerance was";
    if (shape_.sums_steps()) {
      return "a segment is the sum of several steps, each of which had a tolerance of its own";
    }
    if (shape_.options.relative_to != "gross") return "";
    const bool tensors =
        shape_.options.component == "tensor" || shape_.options.component == "parameter";
    return tensors && shape_.of_samples && !has_positions()
               ? ""
               : "tolerances are relative to the gross change of tensors, which is not stored";
  }

  void check(const Unit& unit) {
    const UnitSums sums = sums_of_unit(store_, shape_, unit, lengths_);
    if (checksums_.why_not.empty()) check_checksum(unit, sums.checksum);
    ++finite_.checked;
    if (sums.not_finite > 0) {
      finite_.fail(fmt::format("{}: {} not finite; {}", shape_.name_of(unit),
                               counted(sums.not_finite, "entry is", "entries are"),
                               sums.first_not_finite));
    }
    if (ends_.why_not.empty()) {
      ++ends_.checked;
      if (sums.past_end > 0) {
        ends_.fail(fmt::format("{}: {} after samples' last tokens", shape_.name_of(unit),
                               counted(sums.past_end, "score")));
      }
    }
    if (scalars_.why_not.empty()) check_scalars(store_, shape_, unit, sums, scalars_);
    if (!certified_) return;
    const UnitCertificates certificates = certificates_of(store_, unit);
    if (changes_.why_not.empty()) check_changes(shape_, unit, sums, certificates, changes_);
    if (!flags_.why_not.empty()) return;
    const std::vector<double> none;
    check_flags(shape_, rule_, unit, certificates, rule_.relative_to_gross ? sums.sizes : none,
                flags_);
  }

  void check_checksum(const Unit& unit, uint32_t found) {
    const double said =
        store_.read("checksum", {unit.segment, unit.index % shape_.units.per_segment()}, {1, 1})
            .front();
    const auto stored = static_cast<uint32_t>(static_cast<int64_t>(said));
    ++checksums_.checked;
    if (found == stored) return;
    checksums_.fail(fmt::format("{}: the bytes' checksum is {:08x}, and {:08x} was stored",
                                shape_.name_of(unit), found, stored));
  }

  const StoreReader& store_;
  StoreShape shape_;
  std::vector<int64_t> lengths_;
  QuadratureOptions rule_;
  bool certified_ = false;
  Check checksums_{.name = "checksums",
                   .what = "CRC-32 of every committed unit's bytes against the one stored",
                   .of = "unit"};
  Check torn_{.name = "marks", .what = "a unit is committed whole or not at all", .of = "unit"};
  Check finite_{
      .name = "finite", .what = "no NaN and no infinity in committed units", .of = "unit"};
  Check changes_{
      .name = "changes", .what = "sum of components + residual = change of F", .of = "sum"};
  Check scalars_{
      .name = "scalars", .what = "scores of single scalars add up to their tensor's", .of = "sum"};
  Check ends_{.name = "positions", .what = "no scores after a sample's last token", .of = "unit"};
  Check flags_{.name = "flags",
               .what = "flagged exactly where the certificate misses the tolerance",
               .of = "pair"};
  Check coordinates_{.name = "coordinates",
                     .what = "steps in order, names there once, CRC-32 of labels",
                     .of = "entry"};
};

}  // namespace

bool Verification::holds() const {
  return std::none_of(checks.begin(), checks.end(),
                      [](const Check& each) { return each.verdict() == Verdict::fails; });
}

Verification verify_store(const std::filesystem::path& path) {
  const StoreReader store(path);
  Verification found;
  found.store = path.string();
  found.layout = store.version();
  for (const auto& [name, text] : store.attributes()) {
    if (name == "identity") found.identity = text;
  }
  StoreChecks(store).run(found);
  return found;
}

}  // namespace explaind
