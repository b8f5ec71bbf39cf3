# Methods that teams paste from papers, written again in base R from their formulas: ties, weights, costs, gaps at full marks.
# Rscript scoring_methods.R > scoring_methods_r.json       (R 4.2, jsonlite)
x <- data.frame(a = c(12, 15, 15, 9, 20, 7, 15, 11), b = c(3.2, 1.1, 2.5, 2.5, 0.9, 4.0, 2.5, 3.3),
                c = c(70, 82, 64, 91, 88, 70, 70, 79), row.names = paste0("u", 1:8))
w <- c(a = 0.5, b = 0.2, c = 0.3)
cost <- c(a = FALSE, b = TRUE, c = FALSE)

# TOPSIS (Hwang & Yoon 1981): the ideal of a cost is its least value
v <- sweep(scale(x, center = FALSE, scale = sqrt(colSums(x^2))), 2, w, "*")
best <- ifelse(cost, apply(v, 2, min), apply(v, 2, max))
worst <- ifelse(cost, apply(v, 2, max), apply(v, 2, min))
far <- function(to) apply(v, 1, function(row) dist(rbind(row, to)))
topsis <- far(worst) / (far(best) + far(worst))

# rank-sum ratio with weights: lm over the distinct ratios
n <- nrow(x)
ranks <- mapply(function(column, is_cost) rank(if (is_cost) -column else column), x, cost)
rsr <- setNames(round(as.vector(ranks %*% w) / n, 12), rownames(x))
place <- sort(unique(rank(rsr)))
p <- ifelse(place == n, 1 - 1 / (4 * n), place / n)
groups <- data.frame(rsr = sort(unique(rsr)), probit = 5 + qnorm(p))
line <- lm(rsr ~ probit, groups)
told <- summary(line)
probit <- groups$probit[match(rsr, groups$rsr)]
f <- unname(told$fstatistic)

# fuzzy evaluation: four ways to put the row of weights and the matrix together
r <- rbind(c(0.10, 0.35, 0.40, 0.15), c(0.45, 0.30, 0.20, 0.05), c(0.25, 0.25, 0.30, 0.20))
put <- function(with, over) { b <- apply(r, 2, function(column) over(with(w, column))); b / sum(b) }
fuzzy <- list(weighted_mean = put(`*`, sum), max_min = put(pmin, max), max_product = put(`*`, max),
              bounded_min = put(pmin, function(t) min(1, sum(t))))

# coupling coordination of four subsystems (Wang et al. 2021: the geometric mean over the mean; the adjusted C by pairs)
u <- rbind(c(0.31, 0.62, 0.48, 0.90), c(0.05, 0.77, 0.50, 0.12), c(1, 1, 1, 1), c(0.66, 0.66, 0.66, 0.02))
t4 <- c(0.1, 0.2, 0.3, 0.4)
standard <- apply(u, 1, function(s) exp(mean(log(s))) / mean(s))
adjusted <- apply(u, 1, function(s) sqrt((1 - mean(dist(s, "manhattan"))) * exp(sum(log(s / max(s))) / 3)))
develop <- as.vector(u %*% t4)

# obstacle degrees: the weighted distance from full marks as a share of the whole
lack <- sweep(100 - data.frame(a = c(80, 100, 55), b = c(90, 100, 20), c = c(35, 100, 100)), 2, w, "*")

cat(jsonlite::toJSON(list(
  topsis = as.list(topsis), rsr = as.list(rsr), intercept = coef(line)[[1]], slope = coef(line)[[2]],
  r_squared = told$r.squared, f = f[1], p_value = pf(f[1], f[2], f[3], lower.tail = FALSE),
  fitted = as.list(setNames(coef(line)[[1]] + coef(line)[[2]] * probit, rownames(x))), fuzzy = fuzzy,
  coupling = list(standard = standard, adjusted = adjusted, development = develop,
                  coordination = sqrt(standard * develop), coordination_adjusted = sqrt(adjusted * develop)),
  obstacles = as.matrix(lack / rowSums(lack))
), digits = NA, auto_unbox = TRUE, pretty = TRUE, na = "null"), "\n")
