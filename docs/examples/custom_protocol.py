"""A session of a study's own: pulses, minutes, and what one person's threshold makes of it."""

# begin
from anodyne.protocol import Dose, Session, Train
from anodyne.units import A_per_us, minute, percent

train = Train(rate=10, pulses=100, intensity=80 * percent)
session = Session(train=train, trains=20, inter_train_interval=50.0)
dose = Dose(rmt=52 * percent, intensity=80 * percent, peak_di_dt=150 * A_per_us)
print(f"{session.pulses} pulses in {session.duration}")
print(f"{dose.output:.1%} of output, {dose.di_dt / A_per_us:.1f} A/µs")
# end

assert session.pulses == 2000
assert session.duration.length == 20 * 10 + 19 * 50
assert round(session.duration.length / minute, 2) == 19.17
assert round(dose.output, 4) == 0.416
