package media

// laws are both laws of G.711 as tables, for whoever decodes and encodes in every tick. An engine has one.
type laws struct {
	linear [2][256]int16 // by code; the first is mu-law
	mu     [8192]byte    // positive codes by a quarter of the magnitude: no step of the law is narrower
	a      [8192]byte    // by the 13 bits that count, two's complement
}

func newLaws() *laws {
	l := new(laws)
	for i := range 256 {
		l.linear[0][i], l.linear[1][i] = pcmuToLinear(byte(i)), pcmaToLinear(byte(i))
	}
	for i := range l.mu {
		l.mu[i] = linearToPCMU(int16(i << 2))
		l.a[i] = linearToPCMA(int16(i << 3))
	}
	return l
}

// decoder is the table of c: samples by code. No sample is math.MinInt16.
func (l *laws) decoder(c Codec) *[256]int16 {
	if c == PCMA {
		return &l.linear[1]
	}
	return &l.linear[0]
}

// encode writes samples to dst, which is as long, in codec c.
func (l *laws) encode(c Codec, dst []byte, samples *[frameSamples]int16) {
	dst = dst[:frameSamples]
	if c == PCMA {
		for i, s := range samples {
			dst[i] = l.a[uint16(s)>>3]
		}
		return
	}
	for i, s := range samples {
		if s < 0 {
			dst[i] = l.mu[min(-int32(s), 32767)>>2] &^ 0x80
		} else {
			dst[i] = l.mu[s>>2]
		}
	}
}
