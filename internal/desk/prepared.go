package desk

// Prepared is a document ready to be published: its chunks and, where Model is
// set, one vector a chunk in the space of that embedding model.
type Prepared struct {
	Document Document
	Chunks   []Chunk
	Model    string
	Vectors  [][]float32
}
