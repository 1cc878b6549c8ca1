module tests-that-need

go 1.25.0
