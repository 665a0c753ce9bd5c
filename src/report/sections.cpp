#include "report/section.hpp"

namespace explaind {

nlohmann::json about_section(const ReportSource& source);
nlohmann::json losses_section(const ReportSource& source);
nlohmann::json contributions_section(const ReportSource& source);
nlohmann::json heads_section(const ReportSource& source);
nlohmann::json components_section(const ReportSource& source);
nlohmann::json certificates_section(const ReportSource& source);

const std::vector<Section>& sections() {
  static const std::vector<Section> all{
      {"about", about_section},
      {"losses", losses_section},
      {"contributions", contributions_section},
      {"heads", heads_section},
      {"components", components_section},
      {"certificates", certificates_section},
  };
  return all;
}

}  // namespace explaind
