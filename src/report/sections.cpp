#include "report/section.hpp"

namespace explaind {

nlohmann::json about_section(const ReportSource& source);
nlohmann::json losses_section(const ReportSource& source);
nlohmann::json contributions_section(const ReportSource& source);
nlohmann::json findings_section(const ReportSource& source);
nlohmann::json heads_section(const ReportSource& source);
nlohmann::json components_section(const ReportSource& source);
nlohmann::json certificates_section(const ReportSource& source);
nlohmann::json similarity_section(const ReportSource& source);
nlohmann::json step_curve_section(const ReportSource& source);
nlohmann::json positions_section(const ReportSource& source);
nlohmann::json training_samples_section(const ReportSource& source);
nlohmann::json parts_section(const ReportSource& source);

const std::vector<Section>& sections() {
  static const std::vector<Section> all{
      {"about", about_section},
      {"losses", losses_section},
      {"contributions", contributions_section},
      {"findings", findings_section},
      {"heads", heads_section},
      {"components", components_section},
      {"certificates", certificates_section},
      {"similarity", similarity_section},
      {"step_curve", step_curve_section},
      {"positions", positions_section},
      {"training_samples", training_samples_section},
      {"parts", parts_section},
  };
  return all;
}

}  // namespace explaind
