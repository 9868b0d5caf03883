// A small kernel in which an array without a length does not end its struct.
struct middle {
	int before;
	unsigned long none[0];
	int after;
};

struct middle *use(struct middle *m)
{
	return m;
}
