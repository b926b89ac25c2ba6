"""What a plan says to people: chapters, figures, pages."""

from anodyne.plan.report.content import Report, Section

__all__ = ["Report", "Section"]
