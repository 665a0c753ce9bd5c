#include "verification/verification_forms.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/counted.hpp"

namespace explaind {
namespace {

const char* word_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::holds:
      return "holds";
    case Verdict::fails:
      return "FAILS";
    case Verdict::not_checked:
      return "not checked";
  }
  return "";
}

std::string plural_of(const Check& check) {
  return check.of == "entry" ? "entries" : check.of + "s";
}

constexpr const char* columns = "{:<12} {:<66} {:>16} {:>13}  {}\n";

void add_row(const Check& check, std::string& text) {
  const bool deviates = !check.unit.empty() && check.checked > 0;
  text += fmt::format(
      columns, check.name, check.what,
      check.checked == 0 ? "" : counted(check.checked, check.of, plural_of(check)),
      deviates ? fmt::format("{:.2g}{}", check.largest, check.unit == "1" ? "" : " " + check.unit)
               : "",
      check.verdict() == Verdict::fails
          ? fmt::format("FAILS in {}", counted(check.failed, check.of, plural_of(check)))
          : word_of(check.verdict()));
}

void add_failures(const Check& check, std::string& text) {
  if (check.verdict() != Verdict::fails) return;
  text += fmt::format("\n{}: {}\n", check.name, check.what);
  for (const std::string& each : check.found) text += fmt::format("  {}\n", each);
  const auto more = check.failed - static_cast<int64_t>(check.found.size());
  if (more > 0) text += fmt::format("  and {} more\n", more);
}

nlohmann::ordered_json json_of(const Recomputed& again) {
  return {{"series", again.series},
          {"samples", again.samples},
          {"share", again.share},
          {"seed", again.seed},
          {"rule", again.rule},
          {"precision", again.precision},
          {"units", again.units},
          {"scores", again.scores},
          {"within_certificate", again.within},
          {"trust", static_cast<double>(again.within) /
                        static_cast<double>(std::max<int64_t>(1, again.scores))}};
}

std::string closing_line(const Verification& found) {
  const auto failed = std::count_if(found.checks.begin(), found.checks.end(),
                                    [](const Check& c) { return c.verdict() == Verdict::fails; });
  const std::string left = found.committed == found.units
                               ? ""
                               : fmt::format(" ({} not committed)", found.units - found.committed);
  const std::string units =
      fmt::format("{} of {}{}", found.committed, counted(found.units, "unit"), left);
  return failed == 0 ? fmt::format("{}: all that was checked holds in {}; {}\n", found.store, units,
                                   found.against_weights)
                     : fmt::format("{}: {} not hold, {} looked at; {}\n", found.store,
                                   counted(failed, "check does", "checks do"), units,
                                   found.against_weights);
}

}  // namespace

std::string verification_table(const Verification& found) {
  std::string text =
      fmt::format(columns, "check", "what was checked", "how many", "largest dev.", "verdict");
  for (const Check& check : found.checks) add_row(check, text);
  for (const Check& check : found.checks) {
    if (check.why_not.empty() || check.verdict() == Verdict::fails) continue;
    text += fmt::format("{} not checked: {}\n", check.name, check.why_not);
  }
  for (const std::string& note : found.notes) text += fmt::format("note: {}\n", note);
  for (const Check& check : found.checks) add_failures(check, text);
  return text + "\n" + closing_line(found);
}

nlohmann::ordered_json verification_json(const Verification& found,
                                         const VerificationOrigin& origin) {
  nlohmann::ordered_json json{{"store", found.store},
                              {"identity", found.identity},
                              {"layout", found.layout},
                              {"date", origin.date},
                              {"revision", origin.revision},
                              {"command", origin.command},
                              {"holds", found.holds()},
                              {"against_weights", found.against_weights},
                              {"units", {{"all", found.units}, {"committed", found.committed}}},
                              {"notes", found.notes},
                              {"checks", nlohmann::ordered_json::array()}};
  if (found.recomputed) json["recomputed"] = json_of(*found.recomputed);
  for (const Check& check : found.checks) {
    nlohmann::ordered_json each{
        {"name", check.name},
        {"what", check.what},
        {"of", check.of},
        {"checked", check.checked},
        {"failed", check.failed},
        {"verdict", check.verdict() == Verdict::fails ? "fails" : word_of(check.verdict())}};
    if (!check.unit.empty() && check.checked > 0) {
      // JSON has no infinity: null, where something that was compared is not finite.
      each["largest_deviation"] = check.largest;
      each["unit"] = check.unit;
      each["at"] = check.largest_at;
    }
    if (!check.why_not.empty()) each["why_not"] = check.why_not;
    each["found"] = check.found;
    json["checks"].push_back(std::move(each));
  }
  return json;
}

}  // namespace explaind
