#include "api/subject.hpp"

#include <optional>

#include "api/errors.hpp"
#include "api/options.hpp"
#include "api/ranks.hpp"
#include "comm/agree_on_files.hpp"
#include "job/question.hpp"

namespace explaind::v1 {

Subject Subject::open(const Ranks& ranks, const std::string& path,
                      const std::map<std::string, std::string>& options) {
  return translated([&] {
    std::vector<std::pair<std::string, std::string>> all{{"series", path}};
    all.insert(all.end(), options.begin(), options.end());
    const DecomposeOptions written = options_of(all, {}, {});
    require_no_stage(written);
    const SubjectName name = subject_of(written);
    std::optional<explaind::Subject> opened;
    agree_on_files(ranks.impl().world, [&] { opened.emplace(explaind::Subject::open(name)); });
    return Subject(std::make_shared<const Impl>(Impl{std::move(all), std::move(*opened)}));
  });
}

std::vector<int64_t> Subject::steps() const { return steps_of(impl_->subject.path()); }

std::vector<Subject::Parameter> Subject::parameters() const {
  std::vector<Parameter> all;
  for (const ParameterInfo& each : impl_->subject.model().parameters()) {
    all.push_back({each.name, each.shape});
  }
  return all;
}

std::vector<std::string> Subject::notes() const { return impl_->subject.notes(); }

}  // namespace explaind::v1
